using System.Diagnostics;
using System.Net.Sockets;

namespace EveStorage.Bench.Target;

/// <summary>Programs that are run to their end, or started and waited for.</summary>
internal static class Programs
{
    internal static Process Start(string path, IEnumerable<string> arguments)
        => Process.Start(new ProcessStartInfo(path, arguments))!;

    internal static async Task<string> RunAsync(string path, params string[] arguments)
    {
        using Process process = Process.Start(new ProcessStartInfo(path, arguments) { RedirectStandardOutput = true })!;
        string output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        return process.ExitCode == 0 ? output : throw new InvalidOperationException($"{path} {string.Join(' ', arguments)} ended with {process.ExitCode}");
    }

    internal static async Task WaitAsync(string what, Func<bool> condition)
    {
        for (int i = 0; i < 400; i++)
        {
            if (condition())
            {
                return;
            }

            await Task.Delay(50);
        }

        throw new TimeoutException($"{what} does not come up");
    }

    internal static bool Answers(int port)
    {
        using Socket probe = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            probe.Connect("127.0.0.1", port);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
