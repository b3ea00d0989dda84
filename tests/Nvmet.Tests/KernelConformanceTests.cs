using EveStorage.Conformance;
using EveStorage.NvmetLoop;
using EveStorage.NvmetTcp;
using EveStorage.Testing;

namespace EveStorage.Tests;

/// <summary>The promises of every transport, kept by this machine's kernel to this machine's kernel. The lab runs this in a guest, as root.</summary>
public sealed class KernelConformanceTests
{
    public static TheoryData<string> Names => [.. TransportConformance.Cases.Select(c => c.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public Task Nvmet_tcp_keeps_its_promise(string name)
        => CheckAsync(name, new NvmetTcpTransport(new(), KernelTarget.Services()), [("transport", "tcp"), ("traddr", "127.0.0.1"), ("trsvcid", "4420")]);

    [Theory]
    [MemberData(nameof(Names))]
    public Task Nvmet_loop_keeps_its_promise(string name) => CheckAsync(name, new NvmetLoopTransport(new()), where: null);

    private static async Task CheckAsync(string name, IVolumeTransport transport, (string, string)[]? where)
    {
        KernelTarget.Require();
        TransportCase promise = TransportConformance.Cases.Single(c => c.Name == name);
        List<ServedVolume> volumes = [];
        TransportBench bench = new()
        {
            Transport = transport,
            HidesFromOtherHosts = false,
            ServesReadOnly = false,
            Run = RunningPlans.RunAsync,
            MakeVolumeAsync = async (size, _) =>
            {
                ServedVolume volume = await ServedVolume.MakeAsync(size);
                volumes.Add(volume);
                return volume;
            },
            ConnectAsync = (host, subsystem, _) => where is null ? KernelHost.FindAsync(new($"{subsystem}:loop")) : KernelHost.ConnectAsync(host, subsystem, where),
        };
        Assert.SkipUnless(promise.AppliesTo(bench), "not a promise of a local transport");
        try
        {
            await promise.CheckAsync(bench, CancellationToken.None);
        }
        finally
        {
            await KernelTarget.EndAllAsync(transport);
            foreach (ServedVolume volume in volumes)
            {
                await volume.DisposeAsync();
            }
        }

        KernelTarget.Objects().ShouldBeEmpty("the kernel's tree is as before");
    }
}
