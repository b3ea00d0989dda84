using System.Diagnostics;
using System.Globalization;

namespace EveStorage.Bench.Target;

/// <summary>A server of disks, while it is measured.</summary>
/// <param name="name">What the table calls it.</param>
/// <param name="process">The program.</param>
/// <param name="connect">Opens so many connections to a disk by its number.</param>
internal sealed class Server(string name, Process process, Func<int, int, Task<WireClient[]>> connect) : IDisposable
{
    /// <summary>What the table calls it.</summary>
    internal string Name => name;

    /// <summary>Whose processor time is counted.</summary>
    internal int ProcessId => process.Id;

    /// <summary>Connects once more, with as many queues, to a disk by its number.</summary>
    internal Task<WireClient[]> ConnectAsync(int queues, int disk = 0) => connect(queues, disk);

    /// <summary>Its memory in MiB: resident, and its share of what several processes have (proc(5), smaps_rollup).</summary>
    internal (double Resident, double Proportional) ReadMemory()
    {
        Dictionary<string, double> sizes = File.ReadLines($"/proc/{process.Id}/smaps_rollup").Skip(1)
            .Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            .ToDictionary(words => words[0], words => double.Parse(words[1], CultureInfo.InvariantCulture) / 1024);
        return (sizes["Rss:"], sizes["Pss:"]);
    }

    public void Dispose()
    {
        if (!process.HasExited)
        {
            process.Kill();
        }

        process.WaitForExit();
        process.Dispose();
    }
}
