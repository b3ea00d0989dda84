using System.Diagnostics;

namespace EveStorage.Bench.Target;

/// <summary>A row of the table: one kind of request, at random places, with a fixed number under way.</summary>
/// <param name="Write">Whether it writes.</param>
/// <param name="Length">Bytes a request.</param>
/// <param name="Depth">Requests under way.</param>
internal sealed record Workload(bool Write, int Length, int Depth)
{
    /// <inheritdoc/>
    public override string ToString() => $"{Length >> 10}k {(Write ? "write" : "read")} QD{Depth}";

    /// <summary>Runs it for <paramref name="duration"/> on a disk of <paramref name="size"/> bytes.</summary>
    internal Measured Run(WireClient client, long size, TimeSpan duration, int serverProcess, int seed)
    {
        Loop loop = new(this, client, size, seed);
        loop.Run(TimeSpan.FromMilliseconds(200));
        loop.Forget();
        TimeSpan before = ProcessorTime(serverProcess);
        TimeSpan elapsed = loop.Run(duration);
        TimeSpan processor = ProcessorTime(serverProcess) - before;
        loop.Drain();
        return loop.Measure(elapsed, processor);
    }

    private static TimeSpan ProcessorTime(int process)
    {
        using Process running = Process.GetProcessById(process);
        return running.TotalProcessorTime;
    }

    /// <summary>Keeps the depth full: all answers that one receive brought are followed by one send of as many requests.</summary>
    private sealed class Loop
    {
        private readonly Workload _work;
        private readonly WireClient _client;
        private readonly long _places;
        private readonly Random _random;
        private readonly byte[] _data;
        private readonly byte[] _toSend;
        private readonly byte[] _received = new byte[4 << 20];
        private readonly long[] _startedAt;
        private readonly Stack<ushort> _free = new();
        private readonly List<long> _latencies = new(4 << 20);
        private int _receivedLength;

        internal Loop(Workload work, WireClient client, long size, int seed)
        {
            _work = work;
            _client = client;
            _places = size / work.Length;
            _random = new(seed);
            _data = new byte[work.Length];
            _random.NextBytes(_data);
            _toSend = new byte[work.Depth * (work.Length + 256)];
            _startedAt = new long[work.Depth];
            for (int tag = work.Depth - 1; tag >= 0; tag--)
            {
                _free.Push((ushort)tag);
            }
        }

        internal TimeSpan Run(TimeSpan duration)
        {
            long start = Stopwatch.GetTimestamp();
            while (Stopwatch.GetElapsedTime(start) < duration)
            {
                int length = Fill(0);
                _client.Send(_toSend.AsSpan(0, length));
                Receive();
            }

            return Stopwatch.GetElapsedTime(start);
        }

        internal void Drain()
        {
            while (_free.Count < _work.Depth)
            {
                Receive();
            }
        }

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

        private int Fill(int length)
        {
            while (_free.TryPop(out ushort tag))
            {
                long offset = _random.NextInt64(_places) * _work.Length;
                _startedAt[tag] = Stopwatch.GetTimestamp();
                length += _work.Write
                    ? _client.WriteWrite(_toSend.AsSpan(length), tag, offset, _data)
                    : _client.WriteRead(_toSend.AsSpan(length), tag, offset, _work.Length);
            }

            return length;
        }

        private void Receive()
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

/// <summary>What a run came to.</summary>
/// <param name="PerSecond">Requests a second.</param>
/// <param name="Mean">Mean latency in microseconds.</param>
/// <param name="Percentile99">The latency that one in a hundred exceeds, in microseconds.</param>
/// <param name="ServerProcessor">Processor microseconds of the server for each request.</param>
internal sealed record Measured(double PerSecond, double Mean, double Percentile99, double ServerProcessor)
{
    /// <summary>The median of each figure.</summary>
    internal static Measured MedianOf(IReadOnlyList<Measured> runs)
        => new(Median(runs, run => run.PerSecond), Median(runs, run => run.Mean), Median(runs, run => run.Percentile99), Median(runs, run => run.ServerProcessor));

    private static double Median(IReadOnlyList<Measured> runs, Func<Measured, double> figure)
        => runs.Select(figure).Order().ElementAt(runs.Count / 2);
}
