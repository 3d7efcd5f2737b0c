"""Speed and memory of the method on a GPU, with random weights of the real models' sizes: `python -m benchmarks.gpu`.

| file | what |
|---|---|
| `__main__.py` | the command |
| `models.py` | the models, written as diffusers folders and loaded by the library |
| `clip.py` | the clip and its coarse maps |
| `clock.py` | a backbone whose calls are timed and counted |
| `stages.py` | a clip through all stages |
| `rate.py` | what the device's matrix products reach |
| `figures.py` | everything that is measured of a model |
| `report.py` | tables, JSON and Markdown |
"""
