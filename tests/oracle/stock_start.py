"""The stock game with another start: its car placed at another node, as `Car(world, *track[p][1:4])`, and moving."""

import math

from gymnasium.envs.box2d import car_racing
from gymnasium.envs.box2d.car_dynamics import Car

CarRacing = car_racing.CarRacing


def start_at(patch, start, speed=0.0):
    """Every stock game starts at node `start`, modulo their number, or at a random one; `start_tile` is its number."""
    create_track = CarRacing._create_track
    node = []

    def create(game):
        made = create_track(game)
        if made:
            count = len(game.track)
            game.start_tile = int(game.np_random.integers(count)) if start == "random" else start % count
            node[:] = game.track[game.start_tile]
        return made

    def place(world, *_):
        _, beta, x, y = node
        car = Car(world, beta, x, y)
        if speed != 0:
            for body in (car.hull, *car.wheels):
                body.linearVelocity = (-speed * math.sin(beta), speed * math.cos(beta))
            for wheel in car.wheels:
                wheel.omega = speed / wheel.wheel_rad
        return car

    patch.setattr(CarRacing, "_create_track", create)
    patch.setattr(car_racing, "Car", place)
