using System.ComponentModel;
using System.Diagnostics;

namespace EveStorage.Conformance;

/// <summary>A file system of a pool's own, mounted on a directory of the kit's for as long as a case needs it. That takes root, as a host has it.</summary>
internal sealed class MountedHere : IAsyncDisposable
{
    private bool _mounted = true;

    private MountedHere(string path) => Path = path;

    /// <summary>Where.</summary>
    internal string Path { get; }

    /// <summary>Mounts one.</summary>
    internal static async Task<MountedHere> MountAsync(IFileSystemPool pool, VolumeName name, CancellationToken cancellationToken)
    {
        FileSystemSource source = pool.SourceOf(name);
        string path = Directory.CreateTempSubdirectory("evestorage-kit-").FullName;
        try
        {
            await RunAsync("mount", ["-t", source.Kind, "-o", source.Data.Length > 0 ? $"nosuid,nodev,{source.Data}" : "nosuid,nodev", source.Source, path], cancellationToken);
            return new(path);
        }
        catch
        {
            MountedHere mounted = new(path);   // it may be: whoever cancelled did not wait for the answer
            await mounted.DisposeAsync();
            throw;
        }
    }

    /// <summary>Unmounts it.</summary>
    internal async Task UnmountAsync(CancellationToken cancellationToken)
    {
        if (_mounted)
        {
            await RunAsync("umount", [Path], cancellationToken);
            _mounted = false;
            Directory.Delete(Path);
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        // Busy for a moment is what another's fork makes it.
        for (int time = 0; _mounted; time++)
        {
            try
            {
                await UnmountAsync(CancellationToken.None);
            }
            catch (ConformanceException) when (!IsMounted())
            {
                _mounted = false;
                Directory.Delete(Path);
            }
            catch (ConformanceException) when (time < 20)
            {
                await Task.Delay(100);
            }
        }
    }

    private bool IsMounted() => File.ReadLines("/proc/self/mounts").Any(line => line.Split(' ')[1] == Path);

    private static async Task RunAsync(string program, string[] words, CancellationToken cancellationToken)
    {
        try
        {
#pragma warning disable RS0030 // the kit is a package that depends on the contract alone, so that it has no Command
            using Process process = Process.Start(new ProcessStartInfo(program, words) { RedirectStandardError = true })
                ?? throw new ConformanceException($"{program} does not start");
#pragma warning restore RS0030
            string said = await process.StandardError.ReadToEndAsync(cancellationToken);
            await process.WaitForExitAsync(cancellationToken);
            Promise.Require(process.ExitCode == 0, $"{program} {string.Join(' ', words)}: {said.Trim()}");
        }
        catch (Win32Exception e)
        {
            throw new ConformanceException($"{program} can't be run: {e.Message}");
        }
    }
}
