package watch

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSet(t *testing.T) {
	var s Set
	s.Notify()
	one, stop := s.Add()
	other, stopOther := s.Add()
	s.Notify()
	s.Notify()
	<-one
	require.Empty(t, one, "two changes give one value to a watcher that is slow")
	<-other
	stop()
	s.Notify()
	require.Empty(t, one, "the watch has ended")
	require.Len(t, other, 1)
	stopOther()
	stopOther()
	require.Empty(t, s.channels)
}
