package sipctl

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
)

func TestWorkIsDoneByThoseWhoRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var w work
		var done atomic.Int32
		for range 3 * maxRested {
			if !w.goDo(func() { done.Add(1) }) {
				t.Fatal("refused before the end")
			}
		}
		synctest.Wait()
		if n := len(w.rested); n == 0 || n > maxRested {
			t.Errorf("%d goroutines rest, want 1 to %d", n, maxRested)
		}
		rested := len(w.rested)
		for range 1000 { // one after the other: nobody else is needed
			w.goDo(func() { done.Add(1) })
			synctest.Wait()
		}
		if len(w.rested) != rested {
			t.Errorf("%d goroutines rest after a thousand pieces, %d before", len(w.rested), rested)
		}
		hold := make(chan struct{})
		w.goDo(func() { <-hold; w.goDo(func() { t.Error("begun after the end") }); done.Add(1) })
		go func() { synctest.Wait(); close(hold) }()
		w.end()
		if want := int32(3*maxRested + 1001); done.Load() != want {
			t.Errorf("%d pieces done, want %d", done.Load(), want)
		}
		if w.goDo(func() {}) {
			t.Error("taken after the end")
		}
	})
}
