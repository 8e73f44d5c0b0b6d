from referrals.management.score_command import ScoreCommand
from referrals.score_files import OGRS


class Command(ScoreCommand):
    help = "Scores every row of a CSV file with OGRS3. Needs no database."
    model = OGRS
