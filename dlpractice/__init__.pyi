from dlpractice.callback.diagnose import Diagnose as Diagnose
from dlpractice.python.diagnosing import diagnose as diagnose
from dlpractice.python.run_training import finetune as finetune
from dlpractice.python.run_training import oneshot as oneshot
from dlpractice.python.trained_nets import load as load

__version__: str
