//! `complex` as `num_complex::Complex`: feature `num-complex`.

use crate::class::stdlib::Complex;
use crate::class::stdlib::foreign::through;

through! {
    /// A `complex`.
    ///
    /// ```
    /// use num_complex::Complex;
    /// use oiji::{Pickle, Unpickle};
    /// let number = Complex::new(1.5, -2.0);
    /// assert_eq!(Complex::<f64>::loads(&number.dumps()?)?, number);
    /// # Ok::<(), oiji::Error>(())
    /// ```
    num_complex::Complex<f64>, Complex:
        |number| Ok(Complex { re: number.re, im: number.im }),
        |own| Ok(num_complex::Complex::new(own.re, own.im)),
        Complex::matches;

    /// A `complex`. What is read is rounded.
    num_complex::Complex<f32>, Complex:
        |number| Ok(Complex { re: f64::from(number.re), im: f64::from(number.im) }),
        |own| Ok(num_complex::Complex::new(own.re as f32, own.im as f32)),
        Complex::matches;
}
