"""Two imports at the same moment, on real transactions: one enters everybody, the other finds them known."""

import pytest
from django.core.management import CommandError, call_command

from iom import walls
from offenders.models import Case, Offender
from tests import factories
from tests.factories import sheets
from tests.test_races import at_once


@pytest.mark.usefixtures("committed")
def test_same_sheet_imported_twice_at_once_enters_everybody_once(tmp_path, capsys):
    scheme = factories.scheme("merton")
    for kind in ("police", "probation"):
        factories.member(scheme, "member", agency_kind=kind)
    path = tmp_path / "cohort.csv"
    path.write_bytes(sheets.as_csv(sheets.people(20)))

    gave = at_once(*[lambda: call_command("import_cohort", str(path), scheme="merton")] * 2)

    refused = [each for each in gave if isinstance(each, CommandError)]
    assert [each.returncode for each in refused] == [1]
    assert "row 2: This person is known here already, as IOM-0001" in capsys.readouterr().err
    with walls.within(scheme, cause="test"):
        assert (Offender.objects.count(), Case.objects.count()) == (20, 20)
        assert set(Case.objects.values_list("reference", flat=True)) == {f"IOM-{n:04}" for n in range(1, 21)}
