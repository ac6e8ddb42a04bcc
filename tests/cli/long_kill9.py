#!/usr/bin/env python3
"""kill -9 at fifty random moments: every resume ends with the right answer and repeats no recorded trial."""

import os

from lib import main
import test_interrupt


class KilledOften(test_interrupt.Killed):
    """As the short test, more often."""

    ROUNDS = int(os.environ.get("BR_ROUNDS", "50"))

    def test_kill_9_with_two_jobs_repeats_no_recorded_trial(self):
        self.kill_and_resume(self.ROUNDS // 2, 7, jobs=2)


if __name__ == "__main__":
    main()
