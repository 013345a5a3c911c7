package enrich

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/waymark-events/waymark/pkg/event"
	"github.com/waymark-events/waymark/pkg/geo"
)

func TestLocate(t *testing.T) {
	degrees := func(v float64) *float64 { return &v }
	for name, c := range map[string]struct {
		found geo.Location
		want  *event.Enriched
	}{
		"unknown": {geo.Location{}, &event.Enriched{}},
		"a city": {
			geo.Location{CountryCode: "DE", Country: "Germany", Subdivision: "Berlin", City: "Berlin", Latitude: 52.52437, Longitude: 13.41053, HasCoordinates: true, ASN: 3320, ASName: "DTAG"},
			&event.Enriched{CountryCode: "DE", Country: "Germany", Subdivision: "Berlin", City: "Berlin", Latitude: degrees(52.52), Longitude: degrees(13.41), Asn: 3320, AsName: "DTAG"},
		},
		"a country without coordinates": {geo.Location{CountryCode: "DE", Latitude: 1}, &event.Enriched{CountryCode: "DE"}},
		"on the equator": {
			geo.Location{HasCoordinates: true, Longitude: -9.455},
			&event.Enriched{Latitude: degrees(0), Longitude: degrees(-9.46)},
		},
	} {
		t.Run(name, func(t *testing.T) {
			got := &event.Enriched{}
			locate(c.found, got)
			if diff := cmp.Diff(c.want, got, protocmp.Transform()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func FuzzLocate(f *testing.F) {
	f.Add(52.52437, 13.41053, true)
	f.Add(-0.001, 180.0, true)
	f.Fuzz(func(t *testing.T, latitude, longitude float64, known bool) {
		if !(math.Abs(latitude) <= 90 && math.Abs(longitude) <= 180) {
			return
		}
		got := &event.Enriched{}
		locate(geo.Location{Latitude: latitude, Longitude: longitude, HasCoordinates: known}, got)
		if (got.Latitude != nil) != known || (got.Longitude != nil) != known {
			t.Fatal("coordinates appear only where they are known")
		}
		if known && (math.Abs(*got.Latitude-latitude) > 0.0051 || math.Abs(*got.Longitude-longitude) > 0.0051) {
			t.Errorf("%v %v became %v %v", latitude, longitude, *got.Latitude, *got.Longitude)
		}
	})
}

func BenchmarkLocate(b *testing.B) {
	found := geo.Location{CountryCode: "DE", Latitude: 52.52437, Longitude: 13.41053, HasCoordinates: true}
	var out event.Enriched
	b.ReportAllocs()
	for b.Loop() {
		locate(found, &out)
	}
}
