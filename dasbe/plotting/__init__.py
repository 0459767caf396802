"""Drawing: functions from arrays to Matplotlib figures; nothing here computes a result."""
