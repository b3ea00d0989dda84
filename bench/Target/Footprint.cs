namespace EveStorage.Bench.Target;

/// <summary>What servers have in memory with many disks, each of which one host is connected to and has read once.</summary>
internal static class Footprint
{
    private const int Read = 4 << 10;

    /// <summary>Prints a row: one server, so many disks.</summary>
    internal static async Task ShowAsync(Server server, int disks)
    {
        (double before, _) = server.ReadMemory();
        List<WireClient> clients = [];
        try
        {
            for (int disk = 0; disk < disks; disk++)
            {
                clients.AddRange(await server.ConnectAsync(queues: 1, disk));
                ReadOnce(clients[^1]);
            }

            (double resident, double proportional) = server.ReadMemory();
            Console.WriteLine($"{server.Name,-28} {disks,6} {before,10:0.0} {resident,10:0.0} {proportional,10:0.0} MiB");
        }
        finally
        {
            clients.ForEach(client => client.Dispose());
        }
    }

    private static void ReadOnce(WireClient client)
    {
        byte[] buffer = new byte[Read * 2];
        int length = client.WriteRead(buffer, 0, 0, Read);
        client.Send(buffer.AsSpan(0, length));
        int received = 0;
        while (client.Take(buffer.AsSpan(0, received), default, default, out _, out _, out _) != Taken.Completed)
        {
            received += client.Receive(buffer.AsSpan(received));
        }
    }
}
