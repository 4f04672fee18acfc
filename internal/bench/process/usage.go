//go:build linux

package process

import (
	"errors"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Usage is the resource usage of a process.
type Usage struct {
	Processor time.Duration
	Switches  int64 // context switches of its threads
	Heap      int64 // bytes of live objects, and stacks
	Resident  int64 // bytes, as the kernel counts
}

func measure(memory bool) (u Usage, err error) {
	var use syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &use); err != nil {
		return u, err
	}
	u.Processor = time.Duration(use.Utime.Nano() + use.Stime.Nano())
	u.Switches = int64(use.Nvcsw) + int64(use.Nivcsw) //nolint:unconvert // they are shorter on 32 bits
	if memory {
		err = u.measureMemory()
	}
	return u, err
}

func (u *Usage) measureMemory() error {
	for range 3 { // finalizers and pools release memory in later runs
		runtime.GC()
	}
	debug.FreeOSMemory()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	u.Heap = int64(stats.HeapAlloc + stats.StackInuse) //nolint:gosec // not that much
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kib, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")), 10, 64)
			u.Resident = kib << 10
			return err
		}
	}
	return errors.New("/proc/self/status has no VmRSS")
}
