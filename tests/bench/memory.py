"""Peak memory of this process, without what its parent held when it was started."""

import resource
import sys


def peak() -> float:
    """MB; Linux counts the parent's memory into ``ru_maxrss``, hence its own account."""
    try:
        with open("/proc/self/status", encoding="ascii") as lines:
            line_of_peak = next(line for line in lines if line.startswith("VmHWM"))
        return int(line_of_peak.split()[1]) / 1024
    except OSError:
        unit = 1024 if sys.platform != "darwin" else 1024 * 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
