using EveStorage.Linux;
using EveStorage.Nvmet;
using EveStorage.Testing;
using Microsoft.Extensions.Logging.Abstractions;

namespace EveStorage.Tests;

/// <summary>The kernel's target of the machine that runs the tests: a guest of the lab, which nobody else uses.</summary>
internal static class KernelTarget
{
    /// <summary>Skips the test where the kernel, of that series, is not there to be changed.</summary>
    internal static void Require(string series = "6.12")
        => Assert.SkipUnless(Environment.GetEnvironmentVariable("EVESTORAGE_IN_LAB") == series, $"changes the target of a kernel {series}: the lab runs it in a guest (KernelTransportTests)");

    internal static PluginServices Services(IKeyProvider? keys = null)
        => new() { Loggers = NullLoggerFactory.Instance, Time = TimeProvider.System, Events = new Nowhere(), Name = "test", Keys = keys };

    internal static async Task EndAllAsync(IVolumeTransport transport)
    {
        foreach (ExportInfo export in await transport.ListExportsAsync(CancellationToken.None).ToListAsync())
        {
            await RunningPlans.RunAsync(await transport.PlanUnexportAsync(export.VolumeId, CancellationToken.None), new() { Id = Guid.NewGuid() }, CancellationToken.None);
        }
    }

    /// <summary>What is left in the tree, and of marks.</summary>
    internal static string[] Objects()
        => [.. new[] { "subsystems", "hosts", "ports" }.SelectMany(kind => Configfs.Objects($"{NvmetTree.KernelRoot}/{kind}")), .. Configfs.Names("/run/evestorage/nvmet")];

    private sealed class Nowhere : IEventSink
    {
        public void Report(StorageEvent storageEvent)
        {
        }
    }
}
