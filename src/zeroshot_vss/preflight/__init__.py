"""What a configuration finds and needs before any job runs: data, weights, rows, disk, memory, time."""
