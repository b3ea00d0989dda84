using System.Security.Cryptography;
using System.Text;
using EveStorage.Cli.Api;
using EveStorage.Host.Desired;
using EveStorage.Host.Operations;
using EveStorage.Host.Profiles;
using Microsoft.Win32.SafeHandles;

namespace EveStorage.Tests;

/// <summary>
/// A file that is applied by a host that ends after each of the steps that it takes, of all operations one after the other. What is
/// there then is what a crash leaves: the next start and the same file make it as it is to be.
/// </summary>
public sealed class CutShortApplyTests
{
    private const string Guest = "nqn.2014-08.org.nvmexpress:uuid:11111111-2222-3333-4444-555555555555";

    private const string Fresh = $$"""
        {
          "pools": { "data": {} },
          "volumes": { "data/plain": { "size": "8MiB" }, "data/disk": { "image": { "file": "disk.raw", "format": "raw" } } },
          "fileSystems": { "data/log": { "size": "32MiB", "at": "log/new" } },
          "exports": { "data/plain": { "tcp": { "hosts": { "{{Guest}}": {} } } } }
        }
        """;

    private const string Among = $$"""
        {
          "volumes": { "data/gone": { "absent": true, "withSnapshots": true }, "data/small": { "size": "16MiB" } },
          "exports": { "data/small": { "tcp": { "hosts": { "{{Guest}}": {} }, "readOnly": true } }, "data/kept": { "tcp": { "absent": true } } }
        }
        """;

    [Theory]
    [InlineData(Fresh)]
    [InlineData(Among)]
    public async Task Cut_after_any_of_its_steps_it_is_made_so_by_the_next_start_and_the_same_file(string file)
    {
        DesiredState state = Parse(file);
        int steps = 0;
        for (bool cut = true; cut; steps++)
        {
            await using FileSystemHost host = new();
            await PrepareAsync(host, file);
            string foreign = await ForeignAsync(host);
            Cutter cutter = new(host, steps);

            cut = await CutAsync(host, state, cutter);
            await host.StartAsync(serve: true);
            DesiredReport second = await ApplyAsync(host, state);
            DesiredReport third = await ApplyAsync(host, state);

            string when = $"after {steps} steps, in {cutter.At}";
            second.Changes.ShouldAllBe(change => change.Outcome == DesiredOutcome.Done, when);
            third.Changes.ShouldBeEmpty(when);
            (await host.Api.DiagnoseAsync(default)).ShouldBeEmpty(when);
            (await host.Api.ListOperationsAsync(default)).ShouldAllBe(operation => operation.State == OperationState.Succeeded || operation.State == OperationState.Cancelled || operation.State == OperationState.Failed, when);
            (await ForeignAsync(host)).ShouldBe(foreign, when);
        }

        steps.ShouldBeGreaterThan(8, "each of its operations has some");
    }

    private static DesiredState Parse(string file)
    {
        Problems problems = new();
        DesiredState state = DesiredReader.Read(Encoding.UTF8.GetBytes(file), problems);
        problems.Lines.ShouldBeEmpty();
        return state;
    }

    private static async Task PrepareAsync(FileSystemHost host, string file)
    {
        await File.WriteAllBytesAsync(Path.Combine(host.Images, "disk.raw"), RandomNumberGenerator.GetBytes(3 << 20));
        await host.StartAsync(serve: true);
        if (file == Fresh)
        {
            return;
        }

        await host.DoAsync(new CreatePool { Pool = FileSystemHost.Pool });
        foreach (string name in (string[])["kept", "gone", "small"])
        {
            await host.DoAsync(new CreateVolume { Pool = FileSystemHost.Pool, Volume = new(name), Size = ByteSize.MiB(8) });
        }

        await File.WriteAllBytesAsync(Path.Combine(host.PoolDirectory, "volumes/kept/image"), RandomNumberGenerator.GetBytes(8 << 20));
        await host.DoAsync(
            new TakeSnapshots { Pool = FileSystemHost.Pool, Snapshots = [new(new("gone"), "s"), new(new("kept"), "s")] },
            new AddExport { Pool = FileSystemHost.Pool, Volume = new("kept"), AllowedHosts = new Dictionary<string, string?> { [Guest] = null } });
    }

    // What the file says nothing of: a volume with its data and its snapshot, and where there is none yet the images.
    private static async Task<string> ForeignAsync(FileSystemHost host)
    {
        string kept = Path.Combine(host.PoolDirectory, "volumes/kept");
        string[] files = Directory.Exists(kept) ? [.. Directory.EnumerateFiles(kept, "*", SearchOption.AllDirectories).Where(path => new FileInfo(path).Length >= 1 << 20)] : [];
        StringBuilder all = new();
        foreach (string path in files.Concat(Directory.EnumerateFiles(host.Images)).Order(StringComparer.Ordinal))
        {
            all.AppendLine($"{path} {Convert.ToHexString(SHA256.HashData(await File.ReadAllBytesAsync(path)))}");
        }

        return $"{all}";
    }

    private static async Task<bool> CutAsync(FileSystemHost host, DesiredState state, Cutter cutter)
    {
        try
        {
            await new DesiredRun(host.Api, new([host.Images]), cutter.RunAsync).RunAsync(state, null, static _ => { }, default);
            return false;
        }
        catch (InvalidOperationException e) when (e.Message == Cutter.Cut)
        {
            return true;
        }
    }

    private static Task<DesiredReport> ApplyAsync(FileSystemHost host, DesiredState state)
        => new DesiredRun(host.Api, new([host.Images]), (request, image, _) => host.RunAsync(request, image)).RunAsync(state, null, static _ => { }, default);

    /// <summary>Runs changes until so many steps are done, and of the one in which that is the first steps alone.</summary>
    private sealed class Cutter(FileSystemHost host, int steps)
    {
        internal const string Cut = "The host ended here.";

        private int _left = steps;

        internal string At { get; private set; } = "none";

        internal async Task<OperationReport> RunAsync(ChangeRequest request, SafeFileHandle? image, CancellationToken cancellationToken)
        {
            At = $"{request}";
            int all = (await host.Api.PlanAsync(request, image, cancellationToken)).Steps.Count;
            if (all < _left)
            {
                _left -= all;
                return await host.RunAsync(request, image);
            }

            await host.CutAsync(request, _left, image);
            throw new InvalidOperationException(Cut);
        }
    }
}
