"""What `lgsp adapter install` copies from where the manifest lies, which may be somebody's home."""

from pathlib import Path

from lgsp_gateway.operate.install.adapter_installation import FOLDER, AdapterInstallation


def test_no_hidden_file_and_no_key_comes_along(tmp_path: Path) -> None:
    home, root = tmp_path / "home", tmp_path / "root"
    (home / ".ssh").mkdir(parents=True)
    for name in ("adapter.yaml", "citizen.sql", "register.pem", "secrets.env", "passwords", ".pgpass", ".ssh/id_rsa"):
        (home / name).write_text("x")
    (home / "passwords").write_text("PASSWORD=x\n")
    home.chmod(0o700)
    manifest, key = str(home / "adapter.yaml"), home / "register.pem"
    AdapterInstallation("register", manifest, "nats://n", "http://g", key, None, None, home / "passwords").write(root)
    copied = root / FOLDER.relative_to("/") / "register" / "manifest"
    assert sorted(str(file.relative_to(copied)) for file in copied.rglob("*")) == ["adapter.yaml", "citizen.sql"]
    assert copied.stat().st_mode & 0o777 == 0o755
