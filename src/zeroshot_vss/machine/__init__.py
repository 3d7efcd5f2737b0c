"""The machine: devices, memory, processes, read-ahead."""
