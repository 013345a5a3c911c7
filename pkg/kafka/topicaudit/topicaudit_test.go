package topicaudit

import "testing"

func TestTopicsAreJudgedByWhatTheyLose(t *testing.T) {
	use := Use{Topic: "t", BatchBytes: 1_000_000}
	for name, c := range map[string]struct {
		config map[string]string
		loses  bool
		doubts int
	}{
		"as topics.yaml says": {map[string]string{"cleanup.policy": "delete", "retention.ms": "604800000", "retention.bytes": "-1",
			"message.timestamp.type": "CreateTime", "message.timestamp.before.max.ms": "9223372036854775807", "max.message.bytes": "1048588"}, false, 0},
		"kept for ever":              {map[string]string{"retention.ms": "-1"}, false, 0},
		"a broker that tells little": {nil, false, 0},
		"compacted":                  {map[string]string{"cleanup.policy": "compact"}, true, 0},
		"compacted and deleted":      {map[string]string{"cleanup.policy": "compact,delete"}, true, 0},
		"kept for minutes":           {map[string]string{"retention.ms": "600000"}, false, 1},
		"bounded in bytes":           {map[string]string{"retention.bytes": "1000000"}, false, 1},
		"times of the broker's":      {map[string]string{"message.timestamp.type": "LogAppendTime", "message.timestamp.before.max.ms": "1000"}, false, 1},
		"late records are refused":   {map[string]string{"message.timestamp.before.max.ms": "60000"}, false, 1},
		"so on old brokers":          {map[string]string{"message.timestamp.difference.max.ms": "60000"}, false, 1},
		"small batches only":         {map[string]string{"max.message.bytes": "2000"}, false, 1},
	} {
		t.Run(name, func(t *testing.T) {
			loss, doubts := judge(use, c.config)
			if (loss != "") != c.loses || len(doubts) != c.doubts {
				t.Errorf("loss %q, doubts %q", loss, doubts)
			}
		})
	}
}
