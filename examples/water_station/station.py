"""Plays a data logger of water-level stations, as the tutorial `tutorial-python.md` connects it: `python3 station.py PORT`.

It speaks lines of text over TCP, answers one question of a connection after the other, and closes connections that are silent for a minute.
"""

import asyncio
import sys

LEVELS = {"QN01": ("28/11/2026 07:00", "1,25"), "QN02": ("28/11/2026 07:00", "0,98"), "QN03": ("27/11/2026 23:00", "")}
SILENCE_SECONDS = 60


def reply_to(line: str) -> str:
    """Return the reply to one line."""
    command, _, station = line.partition(" ")
    if command != "MUCNUOC":
        return "LOI 400"
    if station not in LEVELS:
        return "LOI 404"
    measured, level = LEVELS[station]
    return f"OK {station};{measured};{level}"


async def serve_connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer the lines of one connection until it ends."""
    try:
        while line := await asyncio.wait_for(reader.readline(), SILENCE_SECONDS):
            writer.write(f"{reply_to(line.decode('ascii', 'replace').strip())}\r\n".encode())
            await writer.drain()
    except (TimeoutError, ConnectionError):
        pass
    finally:
        writer.close()


async def main(port: int) -> None:
    """Serve until the process is ended."""
    async with await asyncio.start_server(serve_connection, "127.0.0.1", port) as server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
