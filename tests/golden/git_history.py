"""A repository as git packs it, with a file that changes: python tests/golden/git_history.py > tests/golden/git_history.json"""
import base64
import json
import os
import pathlib
import subprocess
import tempfile

with tempfile.TemporaryDirectory() as home:
    hour = 0

    def git(*words):
        who = {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@b", "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@b"}
        date = f"2026-11-27T{hour:02}:30:00+02:00"
        env = {**os.environ, **who, "GIT_AUTHOR_DATE": date, "GIT_COMMITTER_DATE": date}
        return subprocess.run(["git", *words], cwd=home, env=env, check=True, capture_output=True, text=True).stdout.strip()

    git("init", "-q", "-b", "main")
    folder = pathlib.Path(home, "studies")
    folder.mkdir()
    lines = [f"line {i}: {i * i}" for i in range(400)]
    commits = []
    for hour, (name, text) in enumerate([("file", "old"), ("file", "new"), ("other", "1"), ("other", "2")], 8):
        (folder / name).write_text("\n".join([*lines, text]) + "\n")
        git("add", ".")
        git("commit", "-q", "-m", text)
        commits.append(git("rev-parse", "HEAD"))
    git("gc", "-q", "--aggressive")
    kept = ["HEAD", "packed-refs", *(f"objects/pack/{path.name}" for path in pathlib.Path(home, ".git/objects/pack").glob("pack-*.[ip]*"))]
    files = {name: base64.b64encode(pathlib.Path(home, ".git", name).read_bytes()).decode() for name in sorted(kept)}
    print(json.dumps({"file": (folder / "file").read_text(), "commits": commits, "files": files}))
