import io

from rich.table import Table
from rich.text import Text

from dlpractice.report.printable_console import PrintableConsole


def test_whatever_is_printed_holds_no_control_characters_of_others() -> None:
    stream = io.StringIO()
    console = PrintableConsole(file=stream, force_terminal=True, color_system="standard", width=40)
    table = Table("[b]name", show_edge=False, box=None)
    table.add_row(Text("x\x1by", style="red"))
    console.print(table)
    console.print("[old]/\udce9\x1b.jpg")
    shown = stream.getvalue()
    assert "\x1b[31mx\\x1by" in shown
    assert "[old]/\\udce9\\x1b.jpg" in shown
