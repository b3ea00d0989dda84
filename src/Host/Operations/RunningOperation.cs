using System.Runtime.CompilerServices;
using EveStorage.Cli.Api;

namespace EveStorage.Host.Operations;

/// <summary>An operation while it runs in this process: its state as it changes, and the way to stop it.</summary>
internal sealed class RunningOperation(OperationDocument document, Journal journal, TimeProvider time) : IProgress<StepProgress>, IDisposable
{
    private static readonly TimeSpan s_progressInterval = TimeSpan.FromMilliseconds(200);

    // At a byte a second an exabyte takes longer than a TimeSpan holds; longer than this nobody asks.
    private static readonly TimeSpan s_longest = TimeSpan.FromDays(1000);

    // The first pieces come while a worker starts, and say little of how long the rest takes.
    private static readonly TimeSpan s_estimateAfter = TimeSpan.FromSeconds(2);

    private readonly CancellationTokenSource _cancel = new();
    private readonly Lock _lock = new();
    private OperationDocument _document = document;
    private readonly long _resumedAt = document.Copied?.Copied.Bytes ?? 0;
    private TaskCompletionSource _changed = NewSignal();
    private long _stepStarted = time.GetTimestamp();
    private long _progressTold;
    private long _doneBefore;

    /// <summary>Its id.</summary>
    internal Guid Id => _document.Operation.Id;

    /// <summary>Ends when it is asked to stop.</summary>
    internal CancellationToken Cancelled => _cancel.Token;

    /// <summary>As it is now.</summary>
    internal OperationReport Current
    {
        get
        {
            lock (_lock)
            {
                return _document.Operation;
            }
        }
    }

    /// <summary>What its steps know of it.</summary>
    internal OperationRequest Request => _document.ToRequest();

    /// <summary>Asks it to stop.</summary>
    internal void Cancel()
    {
        try
        {
            _cancel.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // It ended just now.
        }
    }

    /// <summary>Changes what is known of it; on disk first, where that matters to who comes after a crash.</summary>
    internal void Update(Func<OperationReport, OperationReport> change, bool onDisk = true)
    {
        TaskCompletionSource changed;
        lock (_lock)
        {
            _document = _document with { Operation = change(_document.Operation) };
            if (onDisk)
            {
                journal.Write(_document);
            }

            changed = _changed;
            _changed = NewSignal();
        }

        changed.SetResult();
    }

    /// <summary>What it has copied.</summary>
    internal CopyMark? Copied
    {
        get
        {
            lock (_lock)
            {
                return _document.Copied;
            }
        }
    }

    /// <summary>Notes what it has copied. Once this returns that survives a crash, too.</summary>
    internal void Mark(CopyMark copied)
    {
        lock (_lock)
        {
            _document = _document with { Copied = copied };
            journal.Write(_document);
        }
    }

    /// <summary>Notes what becomes of a step.</summary>
    internal void Tell(int step, string outcome)
    {
        _stepStarted = time.GetTimestamp();
        Update(report => report with
        {
            Steps = [.. report.Steps.Select((known, at) => at == step ? known with { Outcome = outcome } : known)],
            Progress = null,
        });
    }

    /// <inheritdoc/>
    public void Report(StepProgress value)
    {
        bool ended = value.Total == value.Done;
        if (!ended && _progressTold != 0 && time.GetElapsedTime(_progressTold) < s_progressInterval)
        {
            return;
        }

        ProgressReport? before = Current.Progress;
        if (before?.Title != value.Title)
        {
            // What an import goes on with was done before, and is no speed of this one.
            (_stepStarted, _doneBefore) = (before is null ? _stepStarted : _progressTold, value.Done.Bytes >= _resumedAt ? _resumedAt : 0);
        }

        _progressTold = time.GetTimestamp();
        TimeSpan elapsed = time.GetElapsedTime(_stepStarted);
        long rate = elapsed > TimeSpan.Zero ? (long)(Math.Max(0, value.Done.Bytes - _doneBefore) / elapsed.TotalSeconds) : 0;
        TimeSpan? remaining = elapsed >= s_estimateAfter && value.Total is ByteSize total && rate > 0 ? TimeSpan.FromSeconds(Math.Clamp((total.Bytes - value.Done.Bytes) / (double)rate, 0, s_longest.TotalSeconds)) : null;
        Update(report => report with { Progress = new(value.Title, value.Done, value.Total, new(rate), remaining) }, onDisk: false);
    }

    /// <summary>As it is now, at each change, and at last when it has ended.</summary>
    internal async IAsyncEnumerable<OperationReport> WatchAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        while (true)
        {
            OperationReport current;
            Task changed;
            lock (_lock)
            {
                current = _document.Operation;
                changed = _changed.Task;
            }

            yield return current;
            if (!current.State.IsUnderWay())
            {
                yield break;
            }

            await changed.WaitAsync(cancellationToken);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _cancel.Dispose();

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
