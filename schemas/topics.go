package schemas

import (
	_ "embed"
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// RawTopic holds events as the edge accepted them.
func RawTopic(region string) string { return "events.raw." + region }

// EnrichedTopic holds what the enricher made of them; partition p holds what came from the raw topic's partition p.
func EnrichedTopic(region string) string { return "events.enriched." + region }

// DeadTopic holds the records no stage could use.
func DeadTopic(region string) string { return "events.dead." + region }

// ErasuresTopic says who was erased: a compacted log of one partition (pkg/erasure).
func ErasuresTopic(region string) string { return "erasures." + region }

//go:embed kafka/topics.yaml
var topicsYAML string

// A Topic is a Kafka topic as it must be.
type Topic struct {
	Name              string
	Partitions        int
	ReplicationFactor int
	// Config holds Kafka's own topic settings (https://kafka.apache.org/documentation/#topicconfigs).
	Config map[string]string
}

// Topics returns the topics of a region, as kafka/topics.yaml says.
func Topics(region string) ([]Topic, error) {
	var doc struct {
		Topics map[string]struct {
			Partitions        int               `yaml:"partitions"`
			ReplicationFactor int               `yaml:"replication_factor"`
			Config            map[string]string `yaml:"config"`
		} `yaml:"topics"`
	}
	dec := yaml.NewDecoder(strings.NewReader(topicsYAML))
	dec.KnownFields(true)
	if err := dec.Decode(&doc); err != nil {
		return nil, fmt.Errorf("kafka/topics.yaml: %w", err)
	}
	var out []Topic
	for _, name := range slices.Sorted(maps.Keys(doc.Topics)) {
		t := doc.Topics[name]
		out = append(out, Topic{strings.ReplaceAll(name, "<region>", region), t.Partitions, t.ReplicationFactor, t.Config})
	}
	return out, nil
}

// EnricherGroup is the consumer group of a region's enrichers.
func EnricherGroup(region string) string { return "waymark-enricher." + region }

// SinkGroup is the consumer group of a region's sinks.
func SinkGroup(region string) string { return "waymark-sink." + region }
