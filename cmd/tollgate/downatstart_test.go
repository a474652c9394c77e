package main

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"tollgate/rating/embedded/redistest"
	"tollgate/sipctl/siptest"
)

// A store that is down when the program starts: emergency calls go by the last snapshot on disk, everything else is told to
// come again, and when the store is there so is everybody.
func TestTheStoreIsDownAtTheStart(t *testing.T) {
	t.Parallel()
	redis := redistest.StartServer(t)
	o := newOfficeOf(t, newNodeNamed(t, "test", fromAnybodyHere, fmt.Sprintf("store: { redis: %q }\n", redis.URL())))
	o.stop()
	redis.Stop()
	o.launch()
	o.await("alive", 20*time.Second, func() bool {
		response, err := http.Get(o.api + "/healthz")
		if err != nil {
			return false
		}
		response.Body.Close()
		return response.StatusCode == http.StatusOK
	})
	if response, err := http.Get(o.api + "/readyz"); err != nil || response.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("readyz: %v %v", response, err)
	}
	options := func() int {
		m, err := o.phone.Request(within(t, 5*time.Second), "OPTIONS", "", nil, siptest.Body{})
		if err != nil {
			return 0
		}
		return m.Code
	}
	if code := options(); code != 503 {
		t.Errorf("OPTIONS got %d", code)
	}
	if m, err := o.phone.Call(number).Final(within(t, 3*time.Second)); err != nil || m.Code != 503 || m.Get("Retry-After") == "" {
		t.Errorf("an ordinary call got %v %v", m, err)
	}
	help := o.phone.Call("112")
	if m, err := help.Answered(within(t, 5*time.Second)); err != nil || m.Code != 200 {
		t.Fatalf("an emergency call got %v %v", m, err)
	}
	if m, err := help.Bye(within(t, 5*time.Second)); err != nil || m.Code != 200 {
		t.Errorf("its BYE: %v %v", m, err)
	}
	redis.Restart()
	o.await("serving", 30*time.Second, func() bool { return options() == 200 })
	o.login()
	if records := o.calls(2); records[0].Dialled != "112" && records[1].Dialled != "112" {
		t.Errorf("%+v", records)
	}
	call := o.phone.Call(number)
	if m, err := call.Answered(within(t, 5*time.Second)); err != nil || m.Code != 200 {
		t.Errorf("a call with the store back: %v %v", m, err)
	}
	call.Bye(within(t, 5*time.Second))
	o.proved(30 * time.Second)
}
