"""Writes the odd Parquet files beside it; needs pyarrow. Each holds thirty rows of a shop, one of them a canary's."""

import datetime
import decimal
import pathlib

import pyarrow as pa
import pyarrow.parquet as pq

HERE = pathlib.Path(__file__).parent
CANARY = "canary-7f3a"
N = 30
who = [CANARY if i == 7 else f"p{i}" for i in range(N)]
item = [CANARY if i == 7 else "book" for i in range(N)]
price = [i / 10 for i in range(N)]
at = [datetime.datetime(2026, 1, 1 + i % 3, 12) for i in range(N)]


def table(**changed):
    columns = {
        "who": pa.array(who),
        "item": pa.array(item),
        "price": pa.array(price),
        "at": pa.array(at, pa.timestamp("us", tz="UTC")),
    }
    columns.update(changed)
    return pa.table({k: v for k, v in columns.items() if v is not None})


def write(name, t, **options):
    pq.write_table(t, HERE / f"{name}.parquet", **options)


write("plain_pages_of_version_1", table(), use_dictionary=False, data_page_version="1.0")
write("pages_of_version_2", table(), data_page_version="2.0", data_page_size=64, write_batch_size=4)
write("delta", table(price=pa.array(range(N), pa.int64())), use_dictionary=False, version="2.6",
      column_encoding={"who": "DELTA_BYTE_ARRAY", "item": "DELTA_LENGTH_BYTE_ARRAY", "price": "DELTA_BINARY_PACKED", "at": "DELTA_BINARY_PACKED"})
write("byte_stream_split", table(), use_dictionary=False, column_encoding={"price": "BYTE_STREAM_SPLIT"})
for codec in ["none", "snappy", "gzip", "zstd", "brotli", "lz4"]:
    write(f"codec_{codec}", table(), compression=codec)
write("index_checksums_and_small_groups", table(), write_page_index=True, write_page_checksum=True, row_group_size=4)
write("moments_of_96_bits", table(at=pa.array(at, pa.timestamp("ns"))), use_deprecated_int96_timestamps=True)
write("moments_of_milliseconds", table(at=pa.array(at, pa.timestamp("ms"))))
write("moments_of_nanoseconds", table(at=pa.array(at, pa.timestamp("ns"))))
write("moments_are_days", table(at=pa.array([a.date() for a in at])))
write("moments_are_text", table(at=pa.array([a.isoformat() for a in at])))
write("prices_are_decimals", table(price=pa.array([decimal.Decimal(f"{p:.2f}") for p in price], pa.decimal128(30, 2))))
write("prices_are_bytes", table(price=pa.array(range(N), pa.int8())))
write("prices_are_unsigned", table(price=pa.array([2**64 - 1 - i for i in range(N)], pa.uint64())))
write("prices_are_narrow_floats", table(price=pa.array(price, pa.float32())))
write("prices_are_half_floats", table(price=pa.array(price, pa.float16())))
write("prices_are_null", table(price=pa.nulls(N)))
write("people_are_numbers", table(who=pa.array(range(N), pa.int64())))
write("people_are_binary", table(who=pa.array([w.encode() for w in who], pa.binary())))
write("people_are_long_text", table(who=pa.array(who, pa.large_string())))
write("people_are_a_dictionary", table(who=pa.array(who).dictionary_encode()))
write("people_are_lists", table(who=pa.array([[w] for w in who])))
write("people_are_structs", table(who=pa.array([{"who": w} for w in who])))
write("people_are_null", table(who=pa.array([None] * N, pa.string())))
write("nested_beside", table(deep=pa.array([[{"a": [{"b": [who[i]]}]}] for i in range(N)]), map=pa.array([[(w, 1)] for w in who], pa.map_(pa.string(), pa.int64()))))
write("no_rows", table().slice(0, 0))
write("no_column_at_all", pa.table({}))
write("column_missing", table(price=None))
with pq.ParquetWriter(HERE / "no_row_groups.parquet", table().schema):
    pass
with pq.ParquetWriter(HERE / "empty_row_groups.parquet", table().schema) as writer:
    for _ in range(3):
        writer.write_table(table().slice(0, 0))
    writer.write_table(table())
twice = pa.Table.from_arrays([pa.array(who), pa.array(who), pa.array(item), pa.array(price), pa.array(at, pa.timestamp("us"))], names=["who", "who", "item", "price", "at"])
write("column_twice", twice)
write("names_of_columns", table(**{"": pa.array(price), "a.b": pa.array(price), "\u202e": pa.array(price), "x" * 5000: pa.array(price)}))
