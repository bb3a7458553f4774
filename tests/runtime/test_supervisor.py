"""What a child process says is read once, and its log never grows without bound."""

from workfloor.kit.web import logs
from workfloor.runtime import supervisor


def test_a_childs_log_is_cut_and_its_errors_are_still_heard(tmp_path, monkeypatch):
    monkeypatch.setattr(logs, "cut", lambda log, cut=logs.cut: cut(log, 1000))
    child = supervisor.Child("worker", tmp_path / "worker.log")
    with child.log.open("ab", buffering=0) as output:  # as the child has it
        for number in range(100):
            output.write(b"2026-11-30 09:00:00 ERROR x: fault %d %s\n" % (number, b"." * 60))
            said = child.errors()
            assert len(said) == 1 and f"fault {number} " in said[0]

    assert sum(each.stat().st_size for each in tmp_path.iterdir()) < 3000


def test_what_lies_in_the_folder_from_which_it_is_started_is_not_run(tmp_path, monkeypatch):
    for library in ("click", "django", "workfloor"):
        (tmp_path / f"{library}.py").write_text("raise SystemExit('a stranger was run')")
    monkeypatch.chdir(tmp_path)
    child = supervisor.Child("worker --help", tmp_path / "worker.log")
    child.start()

    assert child.process and child.process.wait(60) == 0
    assert "Usage: workfloor worker" in child.log.read_text()
