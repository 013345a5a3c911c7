package child

import (
	"bufio"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// A Usage is what a process took so far, with the processes that it started and that still run: the embedded ClickHouse is one.
type Usage struct {
	CPU time.Duration
	// Waited is how long its threads were ready to run and had no core: others had them.
	Waited time.Duration
	// Resident memory now and at its highest, bytes.
	Resident, Peak int64
	// Mallocs counts heap objects, Allocated their bytes; 0 for a process without metrics.
	Mallocs, Allocated float64
}

// Usages are those of several processes.
func Usages(processes []*Process) ([]Usage, error) {
	out := make([]Usage, len(processes))
	for i, p := range processes {
		var err error
		if out[i], err = p.Usage(); err != nil {
			return nil, fmt.Errorf("what %s uses: %w", p.Name, err)
		}
	}
	return out, nil
}

// CPU is what a process took so far, by proc(5): it needs Linux.
func CPU(pid int) (took time.Duration, err error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	// The second field is the name in parentheses and may hold anything; utime and stime are fields 14 and 15, in ticks of 10 ms.
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	for _, field := range fields[11:13] {
		ticks, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return 0, err
		}
		took += time.Duration(ticks) * 10 * time.Millisecond
	}
	return took, nil
}

// waited is the sum over a process's threads of the second field of schedstat, by the kernel's sched-stats.txt; 0 where the kernel does not
// count it.
func waited(pid int) (sum time.Duration) {
	threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid)) // the pattern is well formed
	for _, thread := range threads {
		text, err := os.ReadFile(thread)
		if err != nil {
			continue // a thread that has ended
		}
		if fields := strings.Fields(string(text)); len(fields) > 1 {
			nanoseconds, _ := strconv.ParseInt(fields[1], 10, 64)
			sum += time.Duration(nanoseconds)
		}
	}
	return sum
}

// Usage needs Linux.
func (p *Process) Usage() (u Usage, err error) {
	for _, pid := range append([]int{p.cmd.Process.Pid}, children(p.cmd.Process.Pid)...) {
		if err := u.add(pid); err != nil {
			return u, err
		}
	}
	if p.Admin == "" {
		return u, nil
	}
	found, err := p.metrics("go_memstats_mallocs_total", "go_memstats_alloc_bytes_total")
	if err != nil {
		return u, err
	}
	u.Mallocs, u.Allocated = found[0], found[1]
	return u, nil
}

// UsageOf is the usage of one process, without those that it started, as far as the kernel tells it. It needs Linux.
func UsageOf(pid int) (u Usage, err error) {
	err = u.add(pid)
	return u, err
}

// add counts one process in.
func (u *Usage) add(pid int) error {
	took, err := CPU(pid)
	if err != nil {
		return err
	}
	u.CPU += took
	u.Waited += waited(pid)
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return err
	}
	for field, to := range map[string]*int64{"VmRSS:": &u.Resident, "VmHWM:": &u.Peak} {
		if _, after, found := strings.Cut(string(status), field); found {
			kib, err := strconv.ParseInt(strings.Fields(after)[0], 10, 64)
			if err != nil {
				return err
			}
			*to += kib << 10
		}
	}
	return nil
}

// Metric reads one number without labels from the process's metrics.
func (p *Process) Metric(name string) (float64, error) {
	if p.Admin == "" {
		return 0, nil
	}
	found, err := p.metrics(name)
	if err != nil {
		return 0, err
	}
	return found[0], nil
}

// metrics reads numbers without labels, all of one moment.
func (p *Process) metrics(names ...string) ([]float64, error) {
	resp, err := http.Get("http://" + p.Admin + "/metrics")
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	out, missing := make([]float64, len(names)), len(names)
	lines := bufio.NewScanner(resp.Body)
	for lines.Scan() {
		for i, name := range names {
			if value, found := strings.CutPrefix(lines.Text(), name+" "); found {
				if out[i], err = strconv.ParseFloat(value, 64); err != nil {
					return nil, err
				}
				missing--
			}
		}
	}
	if missing > 0 {
		return nil, errors.Join(fmt.Errorf("%d of the metrics %v are not there", missing, names), lines.Err())
	}
	return out, nil
}
