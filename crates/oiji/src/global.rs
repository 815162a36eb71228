pub fn to_python3<'a>(m: &'a str, n: &'a str) -> (&'a str, &'a str) {
    (m, n)
}
#[derive(Clone, Debug, Default)]
pub struct Extensions;
impl Extensions {
    pub fn name(&self, _c: u32) -> Option<(&str, &str)> {
        None
    }
}
