package audit

import (
	"fmt"
	"io"
	"text/tabwriter"
	"time"
)

// most is how many gaps and doubled events are printed.
const most = 50

// Text prints the report for people.
func (r *Report) Text(out io.Writer) error {
	fmt.Fprintf(out, "Region %s, received %s to %s, raw topic id %s\n\n", r.Region, r.From.Format(time.RFC3339), r.To.Format(time.RFC3339), r.TopicID)
	table := tabwriter.NewWriter(out, 0, 8, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "PARTITION\tFROM\tTO\tRECORDS\tSTORED\tDEAD\tREPEATED\tNOT COLLECTED\tUNDER WAY\tAGED OUT\tERASED\tMISSING\tTWICE\tEXPIRED\t")
	var all Partition
	for _, p := range r.Partitions {
		fmt.Fprintf(table, "%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t\n", p.Partition, p.From, p.To,
			p.Records, p.Stored, p.Dead, p.Repeated, p.NotCollected, p.UnderWay, p.AgedOut, p.Erased, p.Missing, p.Twice, p.Expired)
		all.add(p)
	}
	fmt.Fprintf(table, "all\t\t\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t\n",
		all.Records, all.Stored, all.Dead, all.Repeated, all.NotCollected, all.UnderWay, all.AgedOut, all.Erased, all.Missing, all.Twice, all.Expired)
	if err := table.Flush(); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	fmt.Fprintln(out)
	for _, g := range r.Gaps[:min(most, len(r.Gaps))] {
		fmt.Fprintf(out, "missing: partition %d, offsets %d to %d", g.Partition, g.From, g.To)
		if g.Reason != "" {
			fmt.Fprintf(out, " (%s)", g.Reason)
		}
		fmt.Fprintln(out)
	}
	if n := len(r.Gaps); n > most {
		fmt.Fprintf(out, "… and %d more gaps\n", n-most)
	}
	for _, id := range r.Doubled[:min(most, len(r.Doubled))] {
		fmt.Fprintf(out, "more than one row: %s\n", id)
	}
	if n := len(r.Doubled); n > most {
		fmt.Fprintf(out, "… and %d more such events\n", n-most)
	}
	for _, note := range r.Notes {
		fmt.Fprintf(out, "note: %s\n", note)
	}
	if r.Predecessors > 0 {
		fmt.Fprintf(out, "%d rows come from earlier logs of this topic, which Kafka has no more: they are not counted above\n", r.Predecessors)
	}
	if all.Remaining > 0 {
		fmt.Fprintf(out, "%d records are rows or dead letters though a tombstone erases them: run the same waymarkctl erase again\n", all.Remaining)
	}
	if all.Holes > 0 {
		fmt.Fprintf(out, "%d offsets of this span have no record though no transaction explains it, and are neither rows nor dead letters: is the raw topic compacted?\n", all.Holes)
	}
	if all.Expired > 0 {
		fmt.Fprintf(out, "%d offsets of this span are gone from Kafka and are no rows: whether they were stored as repetitions, dead or lost cannot be told any more\n", all.Expired)
	}
	if all.MayBeAgedOut > 0 {
		fmt.Fprintf(out, "%d records have no row, and may have aged out: a table's TTL has passed for some of what their rows may have been\n", all.MayBeAgedOut)
	}
	if _, err := fmt.Fprintln(out, r.verdict(&all)); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	return nil
}

func (r *Report) verdict(all *Partition) string {
	switch {
	case !r.Complete() && all.Holes > 0:
		return fmt.Sprintf("NOT complete: %d records are missing, %d offsets hold none, %d records are stored twice, %d events have more than one row.",
			all.Missing, all.Holes, all.Twice, len(r.Doubled))
	case !r.Complete():
		return fmt.Sprintf("NOT complete: %d records are missing, %d are stored twice, %d events have more than one row.", all.Missing, all.Twice, len(r.Doubled))
	case all.MayBeAgedOut > 0:
		return fmt.Sprintf("Complete as far as can be told: %d records may have aged out, %d are under way, all others are accounted for, none twice.",
			all.MayBeAgedOut, all.UnderWay)
	case all.UnderWay > 0:
		return fmt.Sprintf("Complete so far: %d records are under way, all others are accounted for, none twice.", all.UnderWay)
	}
	return "Complete: every record is accounted for, none twice."
}

// add sums counts.
func (p *Partition) add(other *Partition) {
	p.Records += other.Records
	p.Stored += other.Stored
	p.Dead += other.Dead
	p.Repeated += other.Repeated
	p.NotCollected += other.NotCollected
	p.UnderWay += other.UnderWay
	p.AgedOut += other.AgedOut
	p.MayBeAgedOut += other.MayBeAgedOut
	p.Erased += other.Erased
	p.Remaining += other.Remaining
	p.Missing += other.Missing
	p.Expired += other.Expired
	p.Holes += other.Holes
	p.Twice += other.Twice
}
