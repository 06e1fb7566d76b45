"""`peers.py <peer> <url> <table> <file>`: copies a table of PostgreSQL to Parquet with zstd, as users of the peer would.

Prints a line of JSON: the seconds from the query on, those of the CPU, the rows and bytes of the file, and the peak memory in
MB. The connection of ADBC is open before.
"""

import json
import os
import resource
import sys
import time
from collections.abc import Callable

peer, url, table, file = sys.argv[1:]
query = f"select * from {table}"


def connectorx_copy() -> Callable[[], None]:
    import connectorx
    import pyarrow.parquet

    def copy() -> None:
        rows = connectorx.read_sql(
            url, query, return_type="arrow", partition_on="id", partition_num=2
        )
        pyarrow.parquet.write_table(rows, file, compression="zstd")

    return copy


def adbc_copy() -> Callable[[], None]:
    import adbc_driver_postgresql.dbapi as adbc
    import pyarrow.parquet

    connection = adbc.connect(url)

    def copy() -> None:
        with connection.cursor() as cursor:
            cursor.execute(query)
            batches = cursor.fetch_record_batch()
            with pyarrow.parquet.ParquetWriter(file, batches.schema, compression="zstd") as writer:
                for batch in batches:
                    writer.write_batch(batch)

    return copy


peers = {
    "connectorx": connectorx_copy,
    "adbc": adbc_copy,
}


def cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


copy = peers[peer]()
started_at, cpu_before = time.monotonic(), cpu_seconds()
copy()
seconds, cpu = time.monotonic() - started_at, cpu_seconds() - cpu_before
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
import pyarrow.parquet  # noqa: E402

print(
    json.dumps(
        {
            "seconds": seconds,
            "cpuSeconds": cpu,
            "megabytes": peak / (1024 if sys.platform == "linux" else 2**20),
            "rows": pyarrow.parquet.read_metadata(file).num_rows,
            "bytes": os.path.getsize(file),
        }
    )
)
