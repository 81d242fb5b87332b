"""T1: whoever signs a stranger up a hundred times, in every spelling and from everywhere, has them written to once."""

import pytest

from tests.faults import sign_up_storm
from tests.mail_server import mail_server

pytestmark = [pytest.mark.server, pytest.mark.database]


def test_many_sign_ups_of_one_address_are_one_letter(own_site, tmp_path):
    with mail_server(tmp_path / "mail") as server:
        result = sign_up_storm.run(own_site, 200, server)
    assert result["answers"] == {303: 200}, "everybody gets the same answer"
    assert result["letters"] == 1
    assert len(result["recipients"]) == 1
