"""Opens the files of one table with independent readers. run.ts calls it with the directory of the files.

Prints one line of JSON for each check: {reader, what, checked, wrong}. The checks are independent of our encoders:
values are compared with PostgreSQL's in truth.ndjson, a filter with the same filter of the same reader over the same
rows in memory.
"""

import csv
import functools
import hashlib
import io
import json
import math
import shutil
import struct
import subprocess
import sys
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import datafusion
import duckdb
import openpyxl
import pandas
import polars
import pyarrow
import pyarrow.compute
import pyarrow.csv
import pyarrow.dataset
import pyarrow.json
import pyarrow.parquet
import pyspark.sql
import python_calamine

directory = Path(sys.argv[1])
columns = json.loads((directory / "columns.json").read_text())
kinds = {column["name"]: column["kind"] for column in columns}
truth = [json.loads(line) for line in (directory / "truth.ndjson").read_text().splitlines()]
epoch = datetime(1970, 1, 1)


def report(reader, what, checked, wrong):
    print(json.dumps({"reader": reader, "what": what, "checked": checked, "wrong": wrong}), flush=True)


def attempt(reader, what, check):
    """Runs a check and reports its result. An exception is reported as a failure; the next checks still run."""
    try:
        checked, wrong = check()
        report(reader, what, checked, wrong)
    except Exception as error:  # noqa: BLE001
        report(reader, what, 0, [f"{type(error).__name__}: {error}"[:300]])


# --- values -------------------------------------------------------------------------------------------------------


def storage(array):
    if isinstance(array, pyarrow.ChunkedArray):
        array = array.combine_chunks()
        if isinstance(array, pyarrow.ChunkedArray):
            array = pyarrow.concat_arrays(array.chunks)
    return array.storage if isinstance(array, pyarrow.ExtensionArray) else array


def double_text(value, form):
    return "nan" if math.isnan(value) else struct.pack(form, value).hex()


def texts_of(array, kind):
    """Returns the texts of the values in the form of truth.ndjson."""
    array = storage(array)
    if kind.startswith("list:"):
        array = array.cast(pyarrow.list_(array.type.value_type))
        inner = texts_of(array.values, kind[5:])
        ends = array.offsets.to_pylist()
        return [inner[ends[n] : ends[n + 1]] if array[n].is_valid else None for n in range(len(array))]
    if kind in ("moment", "instant", "clock"):
        if pyarrow.types.is_string(array.type) or pyarrow.types.is_large_string(array.type):
            return [value and str(micros_of(time.fromisoformat(value))) for value in array.to_pylist()]
        divisor = 1_000 if array.type.unit == "ns" else 1
        return [None if it is None else str(it // divisor) for it in array.cast(pyarrow.int64()).to_pylist()]
    write = {
        "double": lambda it: double_text(it, ">d"),
        "single": lambda it: double_text(it, ">f"),
        "decimal": lambda it: f"{it:f}",
        "boolean": lambda it: "t" if it else "f",
        "date": lambda it: str((it - date(1970, 1, 1)).days),
        "uuid": lambda it: str(it if isinstance(it, (str, UUID)) else UUID(bytes=it)),
        "bytes": lambda it: it.hex(),
        # polars has no type for JSON and returns bytes.
        "json": lambda it: it.decode() if isinstance(it, bytes) else it,
        "long": lambda it: hashlib.md5(it.encode()).hexdigest(),
    }.get(kind, str)
    return [None if it is None else write(it) for it in array.to_pylist()]


def micros_of(value):
    return ((value.hour * 60 + value.minute) * 60 + value.second) * 1_000_000 + value.microsecond


def plain_type(kind):
    """Returns the type without views, for which Arrow has no functions yet."""
    if pyarrow.types.is_list(kind) or pyarrow.types.is_large_list(kind):
        return pyarrow.list_(plain_type(kind.value_type))
    if pyarrow.types.is_string_view(kind):
        return pyarrow.string()
    return pyarrow.binary() if pyarrow.types.is_binary_view(kind) else kind


def compare(table):
    table = table.cast(pyarrow.schema([(field.name, plain_type(field.type)) for field in table.schema])).sort_by("id")
    wrong = []
    if table.column_names != list(kinds):
        return 0, [f"the columns are {table.column_names}"]
    for n, (name, kind) in enumerate(kinds.items()):
        got = texts_of(table.column(name), kind)
        bad = [(row[n], it) for row, it in zip(truth, got, strict=True) if row[n] != it]
        if bad:
            wrong.append(f"{name}: {len(bad)} values differ, for example {str(bad[0][1])[:60]} instead of {str(bad[0][0])[:60]}")
    return len(truth) * len(kinds), wrong


def duck():
    connection = duckdb.connect()
    connection.execute("set timezone = 'UTC'")
    return connection


def arrow_of_duck(path):
    # Arrow has no infinite timestamps, and DuckDB would return UUIDs as a type of its own.
    return duck().sql(f"select * from '{path}'").to_arrow_table()


def fusion(path):
    context = datafusion.SessionContext()
    context.register_parquet("file", str(path))
    return context


readers = {
    "pyarrow": lambda path: pyarrow.parquet.read_table(path, page_checksum_verification=True),
    "DuckDB": arrow_of_duck,
    "polars": lambda path: polars.read_parquet(path).to_arrow(),
    "DataFusion": lambda path: pyarrow.Table.from_batches(fusion(path).sql("select * from file").collect()),
}
for file in ("native", "portable"):
    for reader, read in readers.items():
        attempt(reader, f"values of {file} parquet", lambda: compare(read(directory / f"{file}.parquet")))

# --- filters ------------------------------------------------------------------------------------------------------

path = directory / "native.parquet"
memory = pyarrow.parquet.read_table(path)
operators = ["=", "<>", "<", "<=", ">", ">="]
special = {
    "double": [math.nan, math.inf, -math.inf, 0.0, -0.0, 1e300],
    "single": [math.nan, math.inf, -math.inf, 0.0, 1e30],
    "text": ["", "zzzz"],
    "long": ["", "\U0010ffff" * 3],
    "int": [-1],
}


def filter_values(name, kind):
    """Returns values to filter by: the minimum, the maximum, some between them, and some that no row has."""
    array = storage(memory.column(name))
    if kind in ("instant", "moment", "clock"):
        values = sorted(set(array.cast(pyarrow.int64()).drop_null().to_pylist()))
    else:
        values = sorted({it for it in array.drop_null().to_pylist() if it == it})
    at = sorted({0, 1, len(values) // 3, len(values) // 2, len(values) - 1})
    return [values[n] for n in at if 0 <= n < len(values)] + special.get(kind, [])


conditions = {
    name: [(op, value) for value in filter_values(name, kind) for op in operators]
    for name, kind in kinds.items()
    if not kind.startswith("list:") and kind != "json"
}


def text_literal(value):
    return "'" + value.replace("'", "''") + "'"


def moment(value):
    return epoch + timedelta(microseconds=value)


def clock(value):
    return (epoch + timedelta(microseconds=value)).time()


def number(value):
    return f"'{value}'"


duck_literals = {
    "int": str,
    "double": lambda it: f"cast({number(it)} as double)",
    "single": lambda it: f"cast({number(it)} as real)",
    "decimal": str,
    "boolean": str,
    "date": lambda it: f"date '{it}'",
    "moment": lambda it: f"timestamp '{moment(it)}'",
    "instant": lambda it: f"timestamptz '{moment(it)}+00'",
    "clock": lambda it: f"time '{clock(it)}'",
    "uuid": lambda it: f"uuid '{it if isinstance(it, UUID) else UUID(bytes=it)}'",
    "bytes": lambda it: f"unhex('{it.hex()}')",
}
fusion_literals = {
    **duck_literals,
    "double": lambda it: f"cast({number(it)} as double)",
    "single": lambda it: f"cast({number(it)} as float)",
    "decimal": lambda it: f"cast('{it}' as decimal(38, {-it.as_tuple().exponent}))",
    "moment": lambda it: f"arrow_cast('{moment(it).isoformat()}', 'Timestamp(Microsecond, None)')",
    "instant": lambda it: f"arrow_cast('{moment(it).isoformat()}Z', 'Timestamp(Microsecond, Some(\"UTC\"))')",
    "clock": lambda it: f"arrow_cast('{clock(it)}', 'Time64(Microsecond)')",
    "uuid": lambda it: f"arrow_cast(X'{UUID(str(it)).hex if not isinstance(it, bytes) else it.hex()}', 'FixedSizeBinary(16)')",
    "bytes": lambda it: f"X'{it.hex()}'",
}


def sql_filters(run, in_file, in_memory, literals):
    checked, wrong = 0, []
    for name, kind in kinds.items():
        column = f'"{name}"'
        literal = literals.get(kind, text_literal)
        tests = [f"{column} {op} {literal(value)}" for op, value in conditions.get(name, [])]
        tests += [f"{column} is null", f"{column} is not null"]
        expected = run(f"select {', '.join(f'count(*) filter (where {it}) as c{n}' for n, it in enumerate(tests))} from {in_memory}")
        for test, count in zip(tests, expected, strict=True):
            checked += 1
            (got,) = run(f"select count(*) from {in_file} where {test}")
            if got != count:
                wrong.append(f"{test[:120]}: {got} rows instead of {count}")
        if name in conditions:
            aggregates = [f"min({column})", f"max({column})", f"count({column})"]
            if kind in ("boolean", "uuid"):
                aggregates = aggregates[2:]
            checked += len(aggregates)
            from_file, all_rows = (run(f"select {', '.join(aggregates)} from {it}") for it in (in_file, in_memory))
            if str(from_file) != str(all_rows):
                wrong.append(f"min, max and count of {name}: {str(from_file)[:100]} instead of {str(all_rows)[:100]}")
    return checked, wrong


def duck_filters():
    connection = duck()
    connection.execute(f"create table memory as from '{path}'")
    return sql_filters(lambda query: connection.execute(query).fetchone(), f"'{path}'", "memory", duck_literals)


def fusion_filters():
    context = fusion(path)
    batches = context.sql("select * from file").collect()
    context.register_record_batches("memory", [batches])

    def run(query):
        (row,) = pyarrow.Table.from_batches(context.sql(query).collect()).to_pylist() or [{}]
        return tuple(row.values())

    return sql_filters(run, "file", "memory", fusion_literals)


compared = {
    "=": lambda a, b: a == b,
    "<>": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}


def python_value(kind, value):
    if kind == "moment":
        return moment(value)
    if kind == "instant":
        return moment(value).replace(tzinfo=timezone.utc)
    if kind == "clock":
        return clock(value)
    return value


def polars_filters():
    checked, wrong = 0, []
    frame, lazy = polars.read_parquet(path), polars.scan_parquet(path)
    for name, kind in kinds.items():
        column = polars.col(name)
        tests = [("is null", column.is_null()), ("is not null", column.is_not_null())]
        for op, value in conditions.get(name, []):
            value = value.bytes if isinstance(value, UUID) else value
            dtype = frame.schema[name] if kind in ("single", "decimal") else None
            tests.append((f"{op} {str(value)[:60]}", compared[op](column, polars.lit(python_value(kind, value), dtype))))
        for condition, test in tests:
            checked += 1
            got, expected = lazy.filter(test).select(polars.len()).collect().item(), frame.filter(test).height
            if got != expected:
                wrong.append(f"{name} {condition}: {got} rows instead of {expected}")
    return checked, wrong


def pyarrow_filters():
    checked, wrong = 0, []
    dataset = pyarrow.dataset.dataset(path)
    for name, kind in kinds.items():
        field = pyarrow.dataset.field(name)
        memory_type = memory.schema.field(name).type
        tests = [("is null", field.is_null()), ("is not null", field.is_valid())]
        # Arrow cannot compare an extension type in memory.
        if not isinstance(memory_type, pyarrow.BaseExtensionType):
            for op, value in conditions.get(name, []):
                scalar = pyarrow.scalar(python_value(kind, value), memory_type)
                tests.append((f"{op} {str(value)[:60]}", compared[op](field, scalar)))
        for condition, test in tests:
            checked += 1
            got, expected = dataset.count_rows(filter=test), memory.filter(test).num_rows
            if got != expected:
                wrong.append(f"{name} {condition}: {got} rows instead of {expected}")
    return checked, wrong


attempt("DuckDB", "filters", duck_filters)
attempt("DataFusion", "filters", fusion_filters)
attempt("polars", "filters", polars_filters)
attempt("pyarrow", "filters", pyarrow_filters)

# --- Spark, which needs Java --------------------------------------------------------------------------------------

spark_literals = {
    **duck_literals,
    "single": lambda it: f"cast({number(it)} as float)",
    "decimal": lambda it: f"cast('{it}' as decimal(38, {-it.as_tuple().exponent}))",
    "moment": lambda it: f"timestamp_ntz '{moment(it)}'",
    "instant": lambda it: f"timestamp '{moment(it)}+00:00'",
    "bytes": lambda it: f"X'{it.hex()}'",
}


@functools.cache
def spark():
    quiet = "-Dlog4j2.level=fatal"
    builder = pyspark.sql.SparkSession.builder.master("local[2]").config("spark.driver.extraJavaOptions", quiet)
    for name, value in {
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.parquet.inferTimestampNTZ.enabled": "true",
        # Python strings are literals without escapes of Spark.
        "spark.sql.parser.escapedStringLiterals": "true",
        "spark.sql.warehouse.dir": str(directory / "warehouse"),
    }.items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("OFF")
    return session


portable = directory / "portable.parquet"


def spark_rejects():
    """docs/formats.md says that Spark rejects uuid and time. If that changes, the document has to change."""
    try:
        spark().read.parquet(str(path)).schema
    except Exception as error:  # noqa: BLE001
        return 1, [] if "Illegal Parquet type" in str(error) else [str(error)[:300]]
    return 1, ["Spark reads the file"]


def spark_values():
    written = directory / "written"
    spark().read.parquet(str(portable)).coalesce(1).write.parquet(str(written))
    return compare(pyarrow.parquet.read_table(written))


def spark_filters():
    checked, wrong = 0, []
    spark().read.parquet(str(portable)).createOrReplaceTempView("file")
    tests = []
    for name, kind in kinds.items():
        if kind in ("clock", "uuid", "json"):
            kind = "text"
        literal = spark_literals.get(kind, text_literal)
        if kinds[name] in ("clock", "uuid"):
            values = [it for it in memory_of(portable).column(name).drop_null().unique().to_pylist()[:3]]
            tests += [f"`{name}` {op} {literal(it)}" for it in values for op in operators]
        else:
            # Spark's parser has no escape for these characters.
            tests += [
                f"`{name}` {op} {literal(it)}"
                for op, it in conditions.get(name, [])
                if not (isinstance(it, str) and set(it) & set("'\\\n"))
            ]
        tests += [f"`{name}` is null", f"`{name}` is not null"]
    counts = {}
    for pushed in ("true", "false"):
        for key in ("spark.sql.parquet.filterPushdown", "spark.sql.parquet.recordLevelFilter.enabled"):
            spark().conf.set(key, pushed)
        for test in tests:
            counts[test, pushed] = spark().sql(f"select count(*) from file where {test}").first()[0]
    for test in tests:
        checked += 1
        if counts[test, "true"] != counts[test, "false"]:
            wrong.append(f"{test[:120]}: {counts[test, 'true']} rows instead of {counts[test, 'false']}")
    return checked, wrong


@functools.cache
def memory_of(file):
    return pyarrow.parquet.read_table(file)


if shutil.which("java"):
    attempt("Spark", "native parquet is rejected for its types", spark_rejects)
    attempt("Spark", "values of portable parquet", spark_values)
    attempt("Spark", "filters", spark_filters)
    spark().stop()

# --- text ---------------------------------------------------------------------------------------------------------

at = {name: n for n, name in enumerate(kinds)}
ids = sum(int(row[at["id"]]) for row in truth)
total = sum((Decimal(row[at["price"]]) for row in truth if row[at["price"]] is not None), Decimal(0))
without = sum(row[at["price"]] is None for row in truth)
words = [row[at["word"]] for row in truth]
characters = sum(len(it) for it in words if it is not None)


def facts(rows, sum_of_ids, sum_of_prices, nulls, letters=characters):
    """Compares the totals of a reader with PostgreSQL's. A reader may return prices as doubles."""
    got = {"rows": rows, "ids": int(sum_of_ids), "nulls": nulls, "letters": letters}
    expected = {"rows": len(truth), "ids": ids, "nulls": without, "letters": characters}
    wrong = [f"{key}: {got[key]} instead of {expected[key]}" for key in expected if got[key] != expected[key]]
    if abs(float(sum_of_prices) - float(total)) > 0.01:
        wrong.append(f"the sum of prices is {sum_of_prices}, not {total}")
    return len(expected) + 1, wrong


def of_pandas(frame):
    letters = int(frame["word"].dropna().str.len().sum())
    return facts(len(frame), frame["id"].sum(), frame["price"].sum(), int(frame["price"].isna().sum()), letters)


def of_polars(frame):
    prices = frame["price"].cast(polars.Float64)
    return facts(frame.height, frame["id"].sum(), prices.sum(), prices.null_count(), frame["word"].str.len_chars().sum())


def of_duck(source):
    query = f"""select count(*), sum(id::int), sum(price::double), count(*) filter (price is null), sum(length(word))
      from {source}"""
    rows, sum_of_ids, prices, nulls, letters = duck().execute(query).fetchone()
    return facts(rows, sum_of_ids, prices, nulls, int(letters))


def of_arrow(table):
    total_of = pyarrow.compute.sum(table["price"].cast(pyarrow.float64())).as_py()
    return facts(
        table.num_rows, pyarrow.compute.sum(table["id"]).as_py(), total_of, table["price"].null_count,
        pyarrow.compute.sum(pyarrow.compute.utf8_length(table["word"])).as_py(),
    )


def of_fusion(path, **how):
    context = datafusion.SessionContext()
    context.register_csv("file", str(path), options=datafusion.CsvReadOptions(newlines_in_values=True, **how))
    query = """select count(*) as rows, sum(id) as ids, sum(cast(price as double)) as prices,
      count(*) - count(price) as nulls from file"""
    (row,) = context.sql(query).to_pylist()
    return facts(row["rows"], row["ids"] or 0, row["prices"] or 0, row["nulls"])


def python_csv(file, delimiter, null, point):
    text = io.StringIO((directory / file).read_bytes().decode("utf-8"), newline="")
    rows = list(csv.DictReader(text, delimiter=delimiter, strict=True))
    prices = [Decimal(row["price"].replace(point, ".")) for row in rows if row["price"] != null]
    letters = sum(len(row["word"]) for row in rows if row["word"] != null)
    return facts(len(rows), sum(int(row["id"]) for row in rows), sum(prices), len(rows) - len(prices), letters)


plain, options = directory / "plain.csv", directory / "options.csv"
pandas_options = {"sep": ";", "decimal": ",", "na_values": ["(null)"], "keep_default_na": False}
polars_options = {"separator": ";", "decimal_comma": True, "null_values": "(null)"}
types = "types = {'word': 'varchar', 'price': 'varchar'}"
attempt("Python csv", "csv", lambda: python_csv("plain.csv", ",", "", "."))
attempt("Python csv", "csv with options", lambda: python_csv("options.csv", ";", "(null)", ","))
attempt("pandas", "csv", lambda: of_pandas(pandas.read_csv(plain, keep_default_na=False, na_values={"price": [""]})))
attempt("pandas", "csv with options", lambda: of_pandas(pandas.read_csv(options, **pandas_options)))
attempt("polars", "csv", lambda: of_polars(polars.read_csv(plain, infer_schema_length=None)))
attempt("polars", "csv with options", lambda: of_polars(polars.read_csv(options, infer_schema_length=None, **polars_options)))
attempt("DuckDB", "csv", lambda: of_duck(f"read_csv('{plain}', header = true)"))
attempt(
    "DuckDB",
    "csv with options",
    lambda: of_duck(
        f"""(select id, word, replace(price, ',', '.') as price
          from read_csv('{options}', header = true, delim = ';', nullstr = '(null)', new_line = '\\r\\n', {types}))"""
    ),
)
arrow_options = pyarrow.csv.ParseOptions(newlines_in_values=True)
attempt("pyarrow", "csv", lambda: of_arrow(pyarrow.csv.read_csv(plain, parse_options=arrow_options)))
attempt("DataFusion", "csv", lambda: of_fusion(plain))

for ending, compression in (("gz", "gzip"), ("zst", "zstd")):
    units = directory / f"units.csv.{ending}"
    attempt("DataFusion", f"csv of units, {compression}", lambda: of_fusion(units, file_extension=f".csv.{ending}", file_compression_type=compression))
    attempt("DuckDB", f"csv of units, {compression}", lambda: of_duck(f"read_csv('{units}', header = true)"))
    attempt("polars", f"csv of units, {compression}", lambda: of_polars(polars.read_csv(units, infer_schema_length=None)))

lines = directory / "rows.ndjson"
attempt("DuckDB", "ndjson", lambda: of_duck(f"read_json('{lines}', format = 'newline_delimited')"))
attempt("polars", "ndjson", lambda: of_polars(polars.read_ndjson(lines, infer_schema_length=None)))
attempt("pandas", "ndjson", lambda: of_pandas(pandas.read_json(lines, lines=True).astype({"price": float})))
attempt("pyarrow", "ndjson", lambda: of_arrow(pyarrow.json.read_json(lines)))

# --- workbooks ----------------------------------------------------------------------------------------------------


def of_rows(rows):
    header, *rows = rows
    # Without a sheet size openpyxl returns rows that end with their last cell.
    rows = [[*row, *[None] * (len(header) - len(row))] for row in rows]
    place = {name: n for n, name in enumerate(header)}
    prices = [row[place["price"]] for row in rows if row[place["price"]] not in (None, "")]
    numbers = [Decimal(str(it)) for it in prices]
    letters = sum(len(str(row[place["word"]] or "")) for row in rows)
    return facts(len(rows), sum(int(row[place["id"]]) for row in rows), sum(numbers), len(rows) - len(prices), letters)


def openpyxl_rows():
    sheet = openpyxl.load_workbook(directory / "book.xlsx", read_only=True).worksheets[0]
    return of_rows(list(sheet.iter_rows(values_only=True)))


def calamine_rows():
    book = python_calamine.CalamineWorkbook.from_path(str(directory / "book.xlsx"))
    return of_rows(book.get_sheet_by_index(0).to_python())


def office_rows():
    """Returns the rows of LibreOffice's own CSV of the workbook: comma, quotes, UTF-8."""
    subprocess.run(
        [
            "soffice", f"-env:UserInstallation={(directory / 'office').as_uri()}", "--headless",
            "--convert-to", "csv:Text - txt - csv (StarCalc):44,34,76", "--outdir", str(directory / "converted"),
            str(directory / "book.xlsx"),
        ],
        check=True, timeout=300, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )
    with (directory / "converted" / "book.csv").open(encoding="utf-8", newline="") as file:
        return of_rows(list(csv.reader(file)))


def poi_rows():
    jars, here = directory / "poi", Path(__file__).parent / "poi"
    maven = ["mvn", "-q", "-B", "-ntp", "-Dstyle.color=never", "-f", str(here / "pom.xml"), "dependency:copy-dependencies"]
    subprocess.run([*maven, "-DincludeScope=runtime", f"-DoutputDirectory={jars}"], check=True, timeout=300, stdout=subprocess.DEVNULL)
    read = ["java", "-cp", f"{jars}/*", str(here / "ReadBook.java"), str(directory / "book.xlsx")]
    result = subprocess.run(read, check=True, timeout=300, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    rows, sum_of_ids, prices, nulls, letters = result.stdout.splitlines()[-1].split()
    return facts(int(rows), int(sum_of_ids), Decimal(prices), int(nulls), int(letters))


attempt("openpyxl", "xlsx", openpyxl_rows)
attempt("calamine", "xlsx", calamine_rows)
if shutil.which("mvn") and shutil.which("java"):
    attempt("Apache POI", "xlsx", poi_rows)
if shutil.which("soffice"):
    attempt("LibreOffice", "xlsx", office_rows)
