import time
from tests.support.lab import Lab
from tests.support.work import Work, DUEL, rows

def test_x(work: Work, lab: Lab) -> None:
    for i in range(3):
        t=time.time()
        d = work(*DUEL, "--json")
        print(time.time()-t, d.out, len(lab.seeds), d.err)
    print(rows(work.store, "select run,key,outcome,reply from calls"))
    d = work(*DUEL, "--json", "--seed","4")
    print( d.out, len(lab.seeds), d.err)
    print(rows(work.store, "select kind, count(*) from events group by kind"))
    t=time.time()
    d = work.process(*DUEL, "--json")
    print(time.time()-t)
