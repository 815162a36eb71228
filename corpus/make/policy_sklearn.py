"""Prints the rules of `crates/oiji/src/policy/builtin.rules` for scikit-learn: every class of data that it pickles.

    python policy_sklearn.py    with any scikit-learn that the interpreter has; 0.24 gives the names of before 0.22 too

Estimators take a state of attributes, and their own `__setstate__` looks at the version alone. Of the compiled classes, trees,
losses, distances and criteria are made by `__reduce__`. Modules of tests, data sets, command lines and builds are left out.
"""
import collections
import importlib
import inspect
import pkgutil
import warnings

warnings.simplefilter('ignore')
import sklearn
from sklearn.base import BaseEstimator

LEFT_OUT = ('tests', 'datasets', '_build_utils', 'externals', 'conftest', 'setup', '_scorer', 'utils.estimator_checks',
            'experimental', '__check_build', 'show_versions', '_testing')
COMPILED = ('_tree', '_criterion', '_splitter', '_loss', '_sgd_fast', '_dist_metrics', '_kd_tree', '_ball_tree', '_quad_tree',
            'dist_metrics', 'kd_tree', 'ball_tree', 'sgd_fast', '_binary_tree')
PLAIN = ('sklearn._loss.link', 'sklearn._loss.loss', 'sklearn.ensemble._gb_losses',
         'sklearn.ensemble._hist_gradient_boosting.binning', 'sklearn.ensemble._hist_gradient_boosting.predictor',
         'sklearn.ensemble._hist_gradient_boosting.loss', 'sklearn.gaussian_process.kernels', 'sklearn.utils._bunch',
         'sklearn.neural_network._stochastic_optimizers', 'sklearn.tree._reingold_tilford')


def modules():
    for found in pkgutil.walk_packages(sklearn.__path__, 'sklearn.', onerror=lambda name: None):
        if not any(part in found.name for part in LEFT_OUT):
            try:
                yield importlib.import_module(found.name)
            except Exception:
                pass


def is_data(module, thing):
    if not inspect.isclass(thing) or thing.__module__ != module.__name__ or issubclass(thing, BaseException):
        return False
    last = module.__name__.rsplit('.', 1)[1]
    return issubclass(thing, BaseEstimator) or module.__name__ in PLAIN or last in COMPILED


rules = collections.defaultdict(set)
for module in modules():
    for name, thing in vars(module).items():
        if is_data(module, thing) and thing.__name__ == name:
            uses = 'call new state' if module.__name__.rsplit('.', 1)[1] in COMPILED else 'new state'
            rules[module.__name__, uses].add(name)
        elif name == 'newObj' or name.startswith('__pyx_unpickle_'):
            rules[module.__name__, 'call(class)'].add(name)
if sklearn.__version__.startswith('0.24'):
    # 0.22 put an underscore before most modules; those that it renamed otherwise are here.
    OTHERWISE = {
        'cluster._affinity_propagation': 'affinity_propagation_', 'cluster._agglomerative': 'hierarchical',
        'cluster._dbscan': 'dbscan_', 'cluster._kmeans': 'k_means_', 'cluster._mean_shift': 'mean_shift_',
        'cluster._optics': 'optics_', 'covariance._empirical_covariance': 'empirical_covariance_',
        'covariance._graph_lasso': 'graph_lasso_', 'covariance._shrunk_covariance': 'shrunk_covariance_',
        'cross_decomposition._pls': 'pls_', 'cross_decomposition._cca': 'cca_', 'decomposition._fastica': 'fastica_',
        'decomposition._lda': 'online_lda', 'ensemble._gb': 'gradient_boosting', 'feature_extraction._hash': 'hashing',
        'feature_selection._mutual_info': 'mutual_info_', 'manifold._spectral_embedding': 'spectral_embedding_',
        'tree._classes': 'tree',
    }
    for (module, uses), names in list(rules.items()):
        package, last = module.rsplit('.', 1)
        if last.startswith('_') and package.count('.') == 1 and last not in ('_tree', '_criterion', '_splitter'):
            old = OTHERWISE.get(module[len('sklearn.'):], last[1:])
            rules['%s.%s' % (package, old), uses] |= names
    rules['sklearn.ensemble.gradient_boosting', 'new state'] |= {
        'LeastSquaresError', 'LeastAbsoluteError', 'HuberLossFunction', 'QuantileLossFunction', 'BinomialDeviance',
        'MultinomialDeviance', 'ExponentialLoss', 'MeanEstimator', 'QuantileEstimator', 'LogOddsEstimator',
        'ScaledLogOddsEstimator', 'PriorProbabilityEstimator', 'ZeroEstimator', 'VerboseReporter'}
for (module, uses), names in sorted(rules.items()):
    print('allow %s: %s = %s' % (module, ' '.join(sorted(names)), uses))
