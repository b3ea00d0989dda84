using EveStorage.Conformance;
using EveStorage.Linux;
using EveStorage.Nvmet;
using EveStorage.NvmetTcp;
using EveStorage.Testing;

namespace EveStorage.Tests;

/// <summary>Keys of hosts between this kernel's target and its own initiator. The lab runs this in a guest, as root.</summary>
public sealed class KernelKeysTests
{
    private static readonly (string, string)[] s_where = [("transport", "tcp"), ("traddr", "127.0.0.1"), ("trsvcid", "4420")];

    [Fact]
    public Task A_host_proves_its_key_and_one_with_another_or_none_is_refused()
        => RunAsync(async (transport, volume, keys) =>
        {
            keys.Put("host", 1);
            await ExportAsync(transport, volume, new(FakeTree.Host, new("host")));

            await RequireAsync(false);
            await RequireAsync(false, ("dhchap_secret", SecretWords.Text(2)));
            await RequireAsync(true, ("dhchap_secret", SecretWords.Text(1)));
            (await transport.ListExportsAsync(CancellationToken.None).SingleAsync()).Lines["nvme connect"].ShouldEndWith("--dhchap-secret=\"$(cat KEYFILE)\"");
        });

    [Fact]
    public Task The_controller_proves_its_key_in_turn()
        => RunAsync(async (transport, volume, keys) =>
        {
            keys.Put("host", 1);
            keys.Put("controller", 3);
            await ExportAsync(transport, volume, new(FakeTree.Host, new("host")) { ControllerKey = new("controller") });

            await RequireAsync(false, ("dhchap_secret", SecretWords.Text(1)), ("dhchap_ctrl_secret", SecretWords.Text(4)));
            await RequireAsync(true, ("dhchap_secret", SecretWords.Text(1)), ("dhchap_ctrl_secret", SecretWords.Text(3)));
        });

    [Fact]
    public Task Another_key_takes_the_place_of_the_one_before_and_no_key_does_too()
        => RunAsync(async (transport, volume, keys) =>
        {
            keys.Put("host", 1);
            keys.Put("new", 5);
            await ExportAsync(transport, volume, new(FakeTree.Host, new("host")));
            await ExportAsync(transport, volume, new(FakeTree.Host, new("new")));
            await RequireAsync(false, ("dhchap_secret", SecretWords.Text(1)));
            await RequireAsync(true, ("dhchap_secret", SecretWords.Text(5)));

            await ExportAsync(transport, volume, new(FakeTree.Host, Key: null));

            await RequireAsync(true);
        });

    [Fact]
    public Task A_host_that_someone_else_made_known_is_used_as_it_is_and_never_changed()
        => RunAsync(async (transport, volume, keys) =>
        {
            string foreign = $"{NvmetTree.KernelRoot}/hosts/{FakeTree.Host}";
            Configfs.Make(foreign);
            keys.Put("host", 1);

            StorageException e = await Should.ThrowAsync<StorageException>(() => ExportAsync(transport, volume, new(FakeTree.Host, new("host"))));
            e.Kind.ShouldBe(StorageErrorKind.Conflict);

            await ExportAsync(transport, volume, new(FakeTree.Host, Key: null));
            await KernelTarget.EndAllAsync(transport);
            Configfs.IsDirectory(foreign).ShouldBeTrue();
            Configfs.Remove(foreign);
        });

    private static async Task RunAsync(Func<NvmetTcpTransport, ServedVolume, SecretWords, Task> test)
    {
        KernelTarget.Require();
        SecretWords keys = new();
        NvmetTcpTransport transport = new(new(), KernelTarget.Services(keys));
        await using ServedVolume volume = await ServedVolume.MakeAsync(ByteSize.MiB(1));
        try
        {
            await test(transport, volume, keys);
        }
        finally
        {
            await KernelTarget.EndAllAsync(transport);
        }

        KernelTarget.Objects().ShouldBeEmpty("the kernel's tree is as before");
    }

    private static async Task ExportAsync(NvmetTcpTransport transport, ServedVolume volume, AllowedHost host)
        => await RunningPlans.RunAsync(
            await transport.PlanExportAsync(FakeTree.Spec with { AllowedHosts = [host] }, volume.Access, CancellationToken.None), new() { Id = Guid.NewGuid() }, CancellationToken.None);

    private static async Task RequireAsync(bool letIn, params (string, string)[] secrets)
    {
        await using ITransportHost? host = await KernelHost.ConnectAsync(FakeTree.Host, FakeTree.Subsystem, [.. s_where, .. secrets]);

        (host is not null).ShouldBe(letIn);
        if (host is not null)
        {
            (await host.ListAsync(CancellationToken.None)).ShouldBe([1]);
        }
    }
}
