"""Retention: old media goes by rules, in one worker process over all; what is on hold or at work stays.

A dry run and a run look with the same eyes; a run looks at each recording once more right before. It is harmless when
repeated, when two run at once and when it breaks off anywhere: the reconciler finds what was to go and is still there.
"""

from stores.retention.judgement import Due, judge, leftovers
from stores.retention.keeper import Keeper, expiring, objects_of, remove_leftovers
from stores.retention.rules import Rules

__all__ = ["Due", "Keeper", "Rules", "expiring", "judge", "leftovers", "objects_of", "remove_leftovers"]
