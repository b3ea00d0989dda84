using System.Diagnostics;

namespace EveStorage.Bench.Target;

/// <summary>Drives the connections of a run from one thread, which never sleeps when there are several: so it costs every server the same.</summary>
internal sealed class Load
{
    private readonly Lane[] _lanes;
    private readonly List<long> _latencies = new(4 << 20);

    internal Load(Workload work, IReadOnlyList<WireClient> clients, long size, int seed)
    {
        byte[] toSend = new byte[work.Depth * (work.Length + 256)];   // one for all: it is sent before the next is written
        Random random = new(seed);
        byte[] data = new byte[work.Length];
        random.NextBytes(data);
        _lanes = [.. clients.Select(client => new Lane(work, client, size / work.Length, random, data, toSend, _latencies))];
    }

    internal TimeSpan Run(TimeSpan duration)
    {
        long start = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(start) < duration)
        {
            foreach (Lane lane in _lanes)
            {
                lane.Fill();
                if (_lanes.Length == 1 || lane.HasAnswers)
                {
                    lane.Receive();
                }
            }
        }

        return Stopwatch.GetElapsedTime(start);
    }

    internal void Drain() => Array.ForEach(_lanes, lane => lane.Drain());

    internal void Forget() => _latencies.Clear();

    internal Measured Measure(TimeSpan elapsed, TimeSpan processor)
    {
        _latencies.Sort();
        double microseconds = 1e6 / Stopwatch.Frequency;
        return new(
            _latencies.Count / elapsed.TotalSeconds,
            _latencies.Average() * microseconds,
            _latencies[(int)(_latencies.Count * 0.99)] * microseconds,
            processor.TotalMicroseconds / _latencies.Count);
    }

    /// <summary>One connection. It keeps its depth full: all answers that one receive brought are followed by one send of as many requests.</summary>
    private sealed class Lane
    {
        private readonly Workload _work;
        private readonly WireClient _client;
        private readonly long _places;
        private readonly Random _random;
        private readonly byte[] _data;
        private readonly byte[] _toSend;
        private readonly List<long> _latencies;
        private readonly byte[] _received = new byte[4 << 20];
        private readonly long[] _startedAt;
        private readonly Stack<ushort> _free = new();
        private int _receivedLength;

        internal Lane(Workload work, WireClient client, long places, Random random, byte[] data, byte[] toSend, List<long> latencies)
        {
            (_work, _client, _places, _random, _data, _toSend, _latencies) = (work, client, places, random, data, toSend, latencies);
            _startedAt = new long[work.Depth];
            for (int tag = work.Depth - 1; tag >= 0; tag--)
            {
                _free.Push((ushort)tag);
            }
        }

        internal bool HasAnswers => _client.HasAnswers;

        internal void Fill()
        {
            int length = 0;
            while (_free.TryPop(out ushort tag))
            {
                long offset = _random.NextInt64(_places) * _work.Length;
                _startedAt[tag] = Stopwatch.GetTimestamp();
                length += _work.Write
                    ? _client.WriteWrite(_toSend.AsSpan(length), tag, offset, _data)
                    : _client.WriteRead(_toSend.AsSpan(length), tag, offset, _work.Length);
            }

            _client.Send(_toSend.AsSpan(0, length));
        }

        internal void Drain()
        {
            while (_free.Count < _work.Depth)
            {
                Receive();
            }
        }

        internal void Receive()
        {
            _receivedLength += _client.Receive(_received.AsSpan(_receivedLength));
            int at = 0;
            int answerLength = 0;
            while (true)
            {
                Taken taken = _client.Take(
                    _received.AsSpan(at, _receivedLength - at), _data, _toSend.AsSpan(answerLength), out int consumed, out int answered, out ushort tag);
                if (taken == Taken.Nothing)
                {
                    break;
                }

                at += consumed;
                answerLength += answered;
                if (taken == Taken.Completed)
                {
                    _latencies.Add(Stopwatch.GetTimestamp() - _startedAt[tag]);
                    _free.Push(tag);
                }
            }

            _client.Send(_toSend.AsSpan(0, answerLength));
            _received.AsSpan(at, _receivedLength - at).CopyTo(_received);
            _receivedLength -= at;
        }
    }
}
