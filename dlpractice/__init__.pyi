from dlpractice.callback.diagnose import Diagnose as Diagnose
from dlpractice.python.diagnosing import diagnose as diagnose
from dlpractice.python.models import load as load
from dlpractice.python.training import finetune as finetune
from dlpractice.python.training import oneshot as oneshot

__version__: str
