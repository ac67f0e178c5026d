"""All faulty programs, in the order of their collections, and in each of them by number or name."""

from panel.programs import (
    autotrainer,
    deepchecker_planted,
    deepchecker_questions,
    deeplocalize_from_2018,
    deeplocalize_to_2017,
)
from panel.programs.program import Program

PROGRAMS: tuple[Program, ...] = (
    *deeplocalize_to_2017.PROGRAMS,
    *deeplocalize_from_2018.PROGRAMS,
    *deepchecker_questions.PROGRAMS,
    *deepchecker_planted.PROGRAMS,
    *autotrainer.PROGRAMS,
)
