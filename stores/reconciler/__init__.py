"""The reconciler: documents and objects are held against each other, and what does not match is repaired.

It finds first and repairs afterwards. It is harmless when repeated, when two run at once, and beside everything else.
"""

from stores.reconciler.findings import Finding, Kind, Outcome, Report
from stores.reconciler.reconciler import Reconciler

__all__ = ["Finding", "Kind", "Outcome", "Reconciler", "Report"]
