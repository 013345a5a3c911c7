package telemetry

import (
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

func gauge(name string) prometheus.Gauge {
	return prometheus.NewGauge(prometheus.GaugeOpts{Name: name, Help: "Some."})
}

func TestRegisterNamesEveryMetricThatIsThereAlready(t *testing.T) {
	reg := prometheus.NewRegistry()
	if err := Register(reg, gauge("waymark_a"), gauge("waymark_b")); err != nil {
		t.Fatal(err)
	}
	err := Register(reg, prometheus.NewGauge(prometheus.GaugeOpts{Name: "waymark_a", Help: "Other."}), gauge("waymark_c"),
		prometheus.NewGauge(prometheus.GaugeOpts{Name: "waymark_b", Help: "Other."}))
	if err == nil || !strings.Contains(err.Error(), "waymark_a") || !strings.Contains(err.Error(), "waymark_b") || strings.Contains(err.Error(), "waymark_c") {
		t.Errorf("got %v", err)
	}
	if Register(reg, gauge("waymark_c")) == nil {
		t.Error("waymark_c was not registered, or is so twice")
	}
}

func TestSharedMetricsCountTogether(t *testing.T) {
	reg := prometheus.NewRegistry()
	one, other := gauge("waymark_a"), gauge("waymark_a")
	if err := Share(reg, &one); err != nil {
		t.Fatal(err)
	}
	if err := Share(reg, &other); err != nil {
		t.Fatal(err)
	}
	one.Add(1)
	other.Add(2)
	if err := testutil.GatherAndCompare(reg, strings.NewReader("# HELP waymark_a Some.\n# TYPE waymark_a gauge\nwaymark_a 3\n")); err != nil {
		t.Error(err)
	}
	histogram := prometheus.NewHistogram(prometheus.HistogramOpts{Name: "waymark_a", Help: "Some."})
	if Share(reg, &histogram) == nil {
		t.Error("a histogram took a gauge's place")
	}
}
