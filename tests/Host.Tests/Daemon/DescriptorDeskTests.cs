using System.Net.Sockets;
using EveStorage.Cli.Client;
using EveStorage.Host.Daemon;
using EveStorage.Testing;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Win32.SafeHandles;

namespace EveStorage.Tests;

public sealed class DescriptorDeskTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    [Fact]
    public async Task Clients_that_say_nothing_keep_no_other_from_handing_over_an_image()
    {
        using DescriptorDesk desk = new(new(""), _directory["descriptors.sock"], NullLogger<DescriptorDesk>.Instance) { Patience = TimeSpan.FromMilliseconds(200) };
        await desk.StartAsync(default);
        List<Socket> silent = [];
        for (int i = 0; i < 80; i++)
        {
            silent.Add(new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified));
            await silent[^1].ConnectAsync(new UnixDomainSocketEndPoint(_directory["descriptors.sock"]));
        }

        await File.WriteAllTextAsync(_directory["image"], "x");
        using SafeFileHandle image = File.OpenHandle(_directory["image"]);
        using DescriptorOffer offer = await DescriptorOffer.SendAsync(_directory["descriptors.sock"], image, TestContext.Current.CancellationToken);

        using SafeFileHandle taken = desk.Take(offer.Token);
        RandomAccess.GetLength(taken).ShouldBe(1);
        silent.ForEach(socket => socket.Dispose());
        await desk.StopAsync(default);
    }

    [Fact]
    public async Task A_desk_that_can_not_listen_fails_the_start()
    {
        using DescriptorDesk desk = new(new(""), _directory["nowhere/descriptors.sock"], NullLogger<DescriptorDesk>.Instance);

        await Should.ThrowAsync<Exception>(() => desk.StartAsync(default));
    }

    public void Dispose() => _directory.Dispose();
}
