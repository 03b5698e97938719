"""Reads a host's shapes without spending anything, and says how each was read and is forced."""

from callsheet.probe.report import Finding, Report
from callsheet.probe.survey import probe

__all__ = ["Finding", "Report", "probe"]
