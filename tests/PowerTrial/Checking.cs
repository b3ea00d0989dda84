using System.Diagnostics;
using EveStorage.Linux;

namespace EveStorage.PowerTrial;

/// <summary>
/// Cuts the power at moments of a recording, and holds what a start then makes of it against what was acknowledged.
/// <c>flushes SEED ACTS POINTS FROM</c>: at that many of the moments at which a drive was asked to flush, spread over the recording.
/// <c>marks SEED ACTS POINTS</c>: at acknowledgements, of the pool's drive alone: with another drive's journal lost, or kept.
/// </summary>
internal sealed class Checking(int seed, int acts)
{
    private const int WholeEvery = 8;

    private readonly List<Act> _course = Take(seed, acts);

    internal int Broken { get; private set; }

    /// <summary>The recording's cuts at flushes.</summary>
    internal async Task RunFlushesAsync(int points)
    {
        using WriteLog log = new(await Drives.FindAsync("log"));
        bool begun = false;
        List<long> promises = [];
        foreach (LoggedWrite entry in log.Read())
        {
            begun |= entry.Mark == "begin";
            if (begun && entry.IsPromise)
            {
                promises.Add(entry.Number);
            }
        }

        // One in each of as many parts of equal length, where in it the seed says.
        Random random = new(seed);
        HashSet<long> chosen = [.. Enumerable.Range(0, points).Select(part =>
        {
            long first = (long)promises.Count * part / points;
            return promises[(int)Math.Min(promises.Count - 1, first + random.NextInt64(Math.Max(1, ((long)promises.Count * (part + 1) / points) - first)))];
        })];
        Console.WriteLine($"{chosen.Count} of {promises.Count} flushes");
        await RunAsync(log, poolAlone: false, entry => chosen.Contains(entry.Number));
    }

    /// <summary>The recording's cuts at acknowledgements.</summary>
    internal async Task RunMarksAsync(int points)
    {
        using WriteLog log = new(await Drives.FindAsync("poollog"));

        // Making the pool and the first import end with a commit of LVM's that nothing of the kernel's follows; the others are spread.
        HashSet<string> chosen = ["done-1", "done-2", .. Enumerable.Range(1, points - 2).Select(point => $"done-{Math.Max(1, _course.Count * point / (points - 2))}")];
        await RunAsync(log, poolAlone: true, entry => entry.Mark is string mark && chosen.Contains(mark));
    }

    private async Task RunAsync(WriteLog log, bool poolAlone, Func<LoggedWrite, bool> isCut)
    {
        int done = 0, point = 0;
        bool hasForeign = false;
        using BlockFile replayed = await Drives.OpenReplayAsync(poolAlone);
        foreach (LoggedWrite entry in log.Read())
        {
            hasForeign |= entry.Mark == Recording.Foreign;
            done = entry.Mark is string mark && mark.StartsWith("done-", StringComparison.Ordinal) ? int.Parse(mark[5..], System.Globalization.CultureInfo.InvariantCulture) : done;
            log.Replay(entry, replayed);
            if (isCut(entry))
            {
                replayed.Flush();
                Act? underWay = poolAlone || done == _course.Count ? null : _course[done];
                Moment moment = new(done == 0 ? new() : _course[done - 1].After, underWay, hasForeign);
                await CheckAsync(++point, $"entry {entry.Number}, after {done} acts{(underWay is null ? "" : $", in or before '{underWay.Title}'")}", moment, poolAlone);
            }
        }

        Console.WriteLine($"{point} points, {Broken} of them broken");
    }

    private async Task CheckAsync(int point, string where, Moment moment, bool poolAlone)
    {
        long start = Stopwatch.GetTimestamp();
        IReadOnlyList<string> wrong;
        try
        {
            await Drives.CutAsync(poolAlone);
            await using Machine machine = await Machine.StartAsync();
            wrong = await new Inspection(machine, moment, withState: !poolAlone).RunAsync(whole: point % WholeEvery == 1);
        }
        catch (Exception e) when (e is StorageException or InvalidOperationException)
        {
            wrong = [e.ToString()];
        }

        await Drives.ForgetAsync();
        Broken += wrong.Count > 0 ? 1 : 0;
        Console.WriteLine($"{(wrong.Count == 0 ? "kept" : "BROKEN")}: point {point}, {where} ({Stopwatch.GetElapsedTime(start).TotalSeconds:0.0} s){string.Concat(wrong.Select(what => $": {what}"))}");
    }

    private static List<Act> Take(int seed, int acts)
    {
        Course course = new(seed);
        List<Act> taken = [Course.Start];
        while (taken.Count <= acts)
        {
            taken.Add(course.Next(taken[^1].After));
        }

        return taken;
    }
}
