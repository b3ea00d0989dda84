using EveStorage.Cli.Api;
using EveStorage.Host.Engine;
using EveStorage.Host.Operations;
using EveStorage.Host.Profiles;
using EveStorage.Linux;
using Microsoft.Win32.SafeHandles;

namespace EveStorage.Host.Desired;

/// <summary>
/// While the daemon runs: makes so what the files of a directory say, at its start and when one of them is another. What can't be made so
/// is told by an event and tried again, ever less often. Where the profile names no directory, nothing runs.
/// </summary>
internal sealed class DesiredWatch(Profile profile, Func<Caller, IStorageApi> open, IEventSink events, TimeProvider time) : DaemonPart
{
    /// <summary>How often it looks: a look is the list of one directory.</summary>
    internal static TimeSpan Interval { get; } = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan s_firstAgain = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan s_lastAgain = TimeSpan.FromHours(1);

    private readonly DesiredDirectory _directory = new(profile.Desired.Directory);
    private readonly HashSet<(string Subject, string Message)> _told = [];
    private IReadOnlyList<DesiredFile>? _applied;
    private IReadOnlyList<Finding> _failing = [];
    private TimeSpan _wait;
    private long _failed;

    /// <inheritdoc/>
    private protected override async Task RunAsync(CancellationToken cancellationToken)
    {
        if (profile.Desired.Directory.Length == 0)
        {
            return;
        }

        using PeriodicTimer timer = new(Interval, time);
        do
        {
            await LookAsync(cancellationToken);
        }
        while (await timer.WaitForNextTickAsync(cancellationToken));
    }

    /// <summary>Looks once, and applies the files when that is due.</summary>
    internal async Task LookAsync(CancellationToken cancellationToken)
    {
        List<(string Subject, string Message)> wrong = [];
        Dictionary<string, string> named = [];
        try
        {
            IReadOnlyList<DesiredFile> files = _directory.List();
            bool another = _applied is null || !files.SequenceEqual(_applied);
            if (!another && (_wait == TimeSpan.Zero || time.GetElapsedTime(_failed) < _wait))
            {
                return;
            }

            _wait = another ? TimeSpan.Zero : _wait;
            _applied = files;
            DesiredState state = _directory.Read(files, (name, why) => wrong.Add((name, why)), named);
            wrong.AddRange(await ApplyAsync(state, cancellationToken));
        }
        catch (StorageException e)
        {
            wrong.Add((e.Subject, ErrorReport.Of(e).Message));
        }

        Tell(wrong);
        _failing = [.. wrong.Select(one => FindingOf(one.Subject, one.Message, named))];
        _wait = wrong.Count == 0 ? TimeSpan.Zero : _wait == TimeSpan.Zero ? s_firstAgain : _wait * 2 < s_lastAgain ? _wait * 2 : s_lastAgain;
        _failed = time.GetTimestamp();
    }

    /// <summary>What the files say and was not made so when that was tried last. Where nothing tries, as without a daemon: the files that count for nothing.</summary>
    internal IReadOnlyList<Finding> FindFailing()
    {
        if (profile.Desired.Directory.Length == 0 || _applied is not null)
        {
            return _failing;
        }

        List<Finding> findings = [];
        try
        {
            _directory.Read(_directory.List(), (name, why) => findings.Add(FindingOf(name, why, [])), []);
        }
        catch (StorageException e)
        {
            findings.Add(FindingOf(e.Subject, ErrorReport.Of(e).Message, []));
        }

        return findings;
    }

    private Finding FindingOf(string subject, string message, Dictionary<string, string> named)
    {
        string[] files = [.. named.Where(name => name.Key == subject || name.Key.StartsWith($"{subject}:", StringComparison.Ordinal)).Select(name => name.Value).Distinct().Order(StringComparer.Ordinal)];
        return files.Length > 0 ? new(string.Join(", ", files.Select(PathOf)), $"is not as it says, {subject}: {message}", $"evestorage apply --plan {PathOf(files[0])}")
            : subject.EndsWith(".json", StringComparison.Ordinal) && !subject.StartsWith('/') ? new(PathOf(subject), $"counts for nothing: {message}", $"evestorage apply --plan {PathOf(subject)}")
            : new(profile.Desired.Directory, $"what its files say is not made so, {subject}: {message}", null);
    }

    private string PathOf(string file) => Path.Combine(profile.Desired.Directory, file);

    private async Task<IEnumerable<(string, string)>> ApplyAsync(DesiredState state, CancellationToken cancellationToken)
    {
        IStorageApi api = open(new Caller(FileOwner.Ours));
        DesiredRun run = new(api, new(profile.Desired.Images), (request, image, cancel) => RunAsync(api, request, image, cancel));
        DesiredReport report = await run.RunAsync(state, null, static _ => { }, cancellationToken);
        int done = report.Changes.Count(change => change.Outcome == DesiredOutcome.Done);
        if (done > 0)
        {
            events.Report(new("desired.applied", EventSeverity.Information, profile.Desired.Directory, $"{done} things are as its files say now, and {report.Same} were"));
        }

        return report.Changes.Select(change => change.Error).OfType<ErrorReport>().Select(error => (error.Subject, error.Message));
    }

    // Its end is waited for under our own token: an operation that still runs when we stop is the runner's to end.
    private static async Task<OperationReport> RunAsync(IStorageApi api, ChangeRequest request, SafeFileHandle? image, CancellationToken cancellationToken)
    {
        Guid id = await api.SubmitAsync(request, image, cancellationToken);
        return await api.WatchOperationAsync(id, cancellationToken).LastAsync(cancellationToken);
    }

    // Once, and again when it was well in between.
    private void Tell(List<(string Subject, string Message)> wrong)
    {
        _told.IntersectWith(wrong);
        foreach ((string subject, string message) in wrong.Where(_told.Add))
        {
            events.Report(new("desired.failed", EventSeverity.Warning, subject, message));
        }
    }
}
