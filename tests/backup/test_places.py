"""Backups in a bucket, restored onto a cluster: what the place keeps, and what is deleted of it."""

import sys
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from support.backups import BackedUp
from support.preloaded import run
from support.processes import Process, free_port
from support.waits import eventually

from lgsp_gateway.keys.key_store import KeyStore
from lgsp_gateway.local import nats_config, nats_process
from lgsp_gateway.operate import nats_users
from lgsp_gateway.operate.backup.stream_backup import describe
from lgsp_gateway.operate.cluster_readiness import wait_for_jetstream
from lgsp_runtime.nats.connection import NatsEndpoint, connect


@pytest.fixture
async def bucket(tmp_path: Path) -> AsyncIterator[dict[str, str]]:
    """An S3 of moto with a bucket `backups`: the variables with which it is reached."""
    port = free_port()
    server = Process([sys.executable, "-m", "moto.server", "-p", str(port)], tmp_path / "s3.log")
    await server.start(wait_ready=False)

    async def is_made() -> bool:
        try:
            async with aiohttp.request("PUT", f"http://127.0.0.1:{port}/backups") as made:
                return made.status == 200
        except aiohttp.ClientConnectionError:
            return False

    await eventually(is_made)
    yield {
        "AWS_ENDPOINT": f"http://127.0.0.1:{port}",
        "AWS_ALLOW_HTTP": "true",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": "us-east-1",
    }
    await server.stop()


async def test_a_bucket_restored_onto_a_cluster(bucket: dict[str, str], tmp_path: Path) -> None:
    backed_up = await BackedUp(tmp_path, "s3://backups/lgsp", bucket).start()
    bus = backed_up.bus
    await bus.serve()
    assert (await bus.call()).status == 200
    await backed_up.signed(1)
    await backed_up.backup()
    living = await connect(bus.endpoint("gateway"), "test")
    documents = (await describe(living, "KV_LGSP_REGISTRY")).state["messages"]
    await living.close()
    code, out, _ = await backed_up.run("backup", "list", backed_up.place)
    assert (code, "entries: bench 1" in out) == (0, True), out
    await backed_up.lose()
    code, out, err = await backed_up.restore("--servers", "3")
    assert code == 0, (out, err)
    account = KeyStore(bus.state.keys).account_key().public
    async with nats_process.running(bus.state, 3, account) as url:
        password = nats_config.passwords(bus.state) / nats_users.GATEWAY
        connection = await connect(NatsEndpoint.with_password_file(url, nats_users.GATEWAY, password), "test")
        await wait_for_jetstream(connection)
        for stream, messages in (("LGSP_EVIDENCE", 1), ("KV_LGSP_REGISTRY", documents), ("LGSP_CHECKPOINTS", 2)):
            found = await describe(connection, stream)
            assert (found.config["num_replicas"], found.state["messages"]) == (3, messages), stream
        await connection.close()


async def test_bad_input_is_refused_in_one_sentence(tmp_path: Path) -> None:
    identity = tmp_path / "identity.txt"
    await run("backup", "keygen", str(identity))
    empty = str(tmp_path / "empty")
    to = ["--state-dir", str(tmp_path / "new")]
    for arguments, sentence in (
        (["backup", "keygen", str(identity)], "exists; choose another name"),
        (["restore", empty, *to], "The backup is encrypted; name by --identity"),
        (["restore", empty, "--identity", str(identity), *to], "name by --verifier-key"),
        (["restore", empty, "--identity", str(identity), "--accept-unverified", *to], "There is no backup latest"),
        (
            ["restore", empty, "--identity", str(identity), "--accept-unverified", "--registry-at", "gestern", *to],
            "neither a time nor a revision",
        ),
        (["backup", "list", "s3://"], "cannot be used"),
        (["backup", "create", empty, "--recipient", "age1x", *to], "No bus runs on the folder"),
    ):
        code, _, err = await run(*arguments)
        assert (code, sentence in err, err.count("\n")) == (1, True, 1), (arguments, err)
    assert not (tmp_path / "new").exists()
