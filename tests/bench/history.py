"""What was measured, run by run: one line of JSON each in `history.jsonl`, which `lgsp bench report` shows."""

import json
import os
import platform
import subprocess
import time
from pathlib import Path

FILE = Path(__file__).parent / "history.jsonl"


def record(measure: str, value: float, unit: str, target: str = "") -> None:
    """Keep and print one result. `target` is what it is held against, in words, such as `≥ 0.95`."""
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    line = {
        "date": time.strftime("%Y-%m-%dT%H:%M"),
        "commit": commit.stdout.strip(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "measure": measure,
        "value": round(value, 3),
        "unit": unit,
        "target": target,
    }
    with FILE.open("a") as history:
        history.write(json.dumps(line, ensure_ascii=False) + "\n")
    print(f"\n{measure}: {value:.3f} {unit} {f'({target})' if target else ''}")
