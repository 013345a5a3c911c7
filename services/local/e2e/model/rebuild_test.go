package model

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/waymark-events/waymark/services/waymarkctl"
)

// Events that were stored before there was a model are not in it: setup says so, and names what helps; the check counts them.
func TestHistoryComesIntoTheModelByARebuild(t *testing.T) {
	h := newHouse(t)
	r := rand.New(rand.NewPCG(3, 3))
	before, after := anyEvents(r, 300), anyEvents(r, 100)
	for _, feed := range []string{"item_activity", "visitor_activity", "end_user_activity"} {
		h.exec("DROP VIEW " + feed + "_feed SYNC")
		h.exec("DROP TABLE " + feed + " SYNC")
		h.exec("DELETE FROM waymark_migrations WHERE name IN ('" + feed + "', '" + feed + "_feed')")
	}
	h.store(before...)
	out := h.ctl("migrate")
	if want := "note: the table events has rows that are not in item_activity, visitor_activity, end_user_activity, fed from now on: " +
		"waymarkctl model rebuild makes them of all"; strings.Count(out, want) != 1 {
		t.Errorf("setup does not say once %q:\n%s", want, out)
	}
	if again := h.ctl("migrate"); strings.Contains(again, "note:") {
		t.Errorf("setup says it again:\n%s", again)
	}
	h.store(after...)
	h.exec("ALTER TABLE events UPDATE inserted_at = now64(3) - INTERVAL 2 MINUTE WHERE 1 SETTINGS mutations_sync = 1")
	code, out, errs := h.run("model", "check", "--region", "eu")
	if code != 1 || !strings.Contains(errs, "the model differs from the events; waymarkctl model rebuild --region eu --from 2026-10-31 --to 2026-11-01 makes it anew") {
		t.Errorf("status %d: %s%s", code, out, errs)
	}
	if lines := strings.Split(strings.TrimSpace(out), "\n"); len(lines) != 4 || !strings.HasPrefix(lines[1], "2026-10-31") || !strings.Contains(lines[3], "are lacking; 0 are in the model alone") {
		t.Errorf("want a line for each of two days, and one of end users:\n%s", out)
	}
	for range 2 {
		if out := h.ctl("model", "rebuild", "--region", "eu"); out != "region eu: 2 months of the model, and its end users, are made anew\n" {
			t.Error(out)
		}
		h.is(append(before, after...))
	}
	if out := h.ctl("model", "check", "--region", "eu"); !strings.Contains(out, "events of 2 days") {
		t.Error(out)
	}
	h.noStages()
}

// noStages looks that a rebuild has left nothing behind.
func (h *house) noStages() {
	h.t.Helper()
	if left := h.ask("SELECT name FROM system.tables WHERE database = currentDatabase() AND name LIKE '%anew%'"); left != "" {
		h.t.Errorf("a rebuild left %s", left)
	}
}

// What events no longer have leaves the model, and a rebuild of some months leaves the others as they are.
func TestARebuildOfAMonthIsOfThatMonth(t *testing.T) {
	h := newHouse(t)
	events := anyEvents(rand.New(rand.NewPCG(4, 4)), 400)
	h.store(events...)
	h.exec("ALTER TABLE events UPDATE inserted_at = now64(3) - INTERVAL 2 MINUTE WHERE 1 SETTINGS mutations_sync = 1")
	h.exec("ALTER TABLE events DELETE WHERE visitor_id = 'v1' SETTINGS mutations_sync = 1")
	var left []event
	for _, e := range events {
		if e.visitor != "v1" {
			left = append(left, e)
		}
	}
	if code, out, _ := h.run("model", "check"); code != 1 || strings.Count(out, "\n") != 4 {
		t.Errorf("status %d: %s", code, out)
	}
	h.ctl("model", "rebuild", "--from", "2026-11-20", "--to", "2026-11-30")
	for month, want := range map[string]bool{"2026-10-31": true, "2026-11-01": false} {
		if is := h.ask("SELECT countIf(visitor_id = 'v1') > 0 FROM item_activity WHERE day = '"+month+"'") == "1"; is != want {
			t.Errorf("after a rebuild of November %s has rows of a visitor without events: %v, want %v", month, is, want)
		}
	}
	if code, out, errs := h.run("model", "check"); code != 1 || !strings.Contains(errs, "--from 2026-10-31 --to 2026-10-31") || strings.Count(out, "\n") != 2 {
		t.Errorf("status %d: %s%s", code, out, errs)
	}
	h.ctl("model", "rebuild", "--to", "2026-10-01")
	h.is(left)
	// A month of which nothing is left.
	h.exec("ALTER TABLE events DROP PARTITION 202610")
	h.ctl("model", "rebuild")
	var november []event
	for _, e := range left {
		if !e.at.Before(midnight) {
			november = append(november, e)
		}
	}
	h.is(november)
	h.ctl("model", "check")
}

// Blocks come all the time, and each is in the model when all is over: those that a rebuild's statements saw, and those that its exchange took away.
func TestNothingIsLostWhileTheModelIsMadeAnew(t *testing.T) {
	h := newHouse(t)
	r := rand.New(rand.NewPCG(5, 5))
	var all []event
	ctx, cancel := context.WithCancel(deadline(t))
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := 0; ctx.Err() == nil; i++ {
			block := anyEvents(r, 50)
			if err := h.insert(fmt.Sprintf("under load %d", i), block...); err != nil {
				t.Error(err)
				return
			}
			all = append(all, block...)
		}
	})
	for range 4 {
		h.ctl("model", "rebuild")
	}
	cancel()
	wg.Wait()
	t.Logf("%d blocks", len(all)/50)
	h.is(all)
	h.noStages()
}

// Cut off after any step it leaves the model as it was, or made anew, and the next run ends it.
func TestARebuildThatWasCutOffIsRunAgain(t *testing.T) {
	h := newHouse(t)
	events := anyEvents(rand.New(rand.NewPCG(6, 6)), 400)
	h.store(events...)
	for _, after := range []time.Duration{5, 50, 150, 400, 900} {
		ctx, cancel := context.WithTimeout(deadline(t), after*time.Millisecond)
		var out, errs strings.Builder
		code := waymarkctl.Run(ctx, []string{"--config", h.settings, "model", "rebuild"}, strings.NewReader(""), &out, &errs)
		if ended := errors.Is(ctx.Err(), context.DeadlineExceeded); ended && code != 1 && !strings.Contains(out.String(), "made anew") {
			t.Errorf("cut off after %s: status %d: %s%s", after*time.Millisecond, code, out.String(), errs.String())
		}
		cancel()
		h.is(events)
	}
	// What a killed one left is dropped once it is old, and in nobody's way before.
	h.exec("CREATE TABLE IF NOT EXISTS item_activity_anew_0123abcd AS item_activity")
	h.ctl("model", "rebuild")
	h.is(events)
}
